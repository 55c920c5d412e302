"""Trained networks whose features clips are compared in, each known by its name and its weights."""

import difflib
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers.frozen import fixed_initialization, require_file, warn_random
from ..registry import MODELS
from .extractor_roles import AbstractClipExtractor
from .i3d import I3D, MIN_FRAMES
from .weights import I3D_TORCHSCRIPT, file_sha256, find_weights, weights_digest

RANDOM = 'random'
HEADS = ('fc', 'classifier', 'head')  # of torchvision's video models


@MODELS.register_module()
class I3DExtractor(AbstractClipExtractor):
    """Logits of the I3D network of Kinetics-400: the features of FVD (Unterthiner et al. 2018).

    With StyleGAN-V's ``i3d_torchscript.pt``, which most papers use, the metrics have their plain
    names (``fvd``). A state dict in the layout of ``i3d_pretrained_400.pt`` (PVDM's, VideoGPT's)
    gives other values, and its name stands in them: ``fvd_pytorch_i3d_1a2b3c4d``; so does any
    other file of either kind.

    Args:
        path: The file; None looks for ``i3d_torchscript.pt`` in torch's cache,
            ``$TORCH_HOME/hub/checkpoints``. A TorchScript file runs the code it holds.

    Raises:
        FileNotFoundError: It is not there; the message says what to download to where.
        ValueError: The file has neither layout.
    """

    num_features = 400

    def __init__(self, path: str | None = None) -> None:
        super().__init__()
        file = find_weights(I3D_TORCHSCRIPT, path)
        sha256 = file_sha256(file)
        self.checksum = sha256[:16]
        self.net = _load_i3d(file)
        self.is_script = not isinstance(self.net, I3D)
        if self.is_script:
            self.name = '' if sha256 == I3D_TORCHSCRIPT.sha256 else f'i3d_{sha256[:8]}'
            self.resize = 'by the TorchScript file, resize=True'
        else:
            self.name = f'pytorch_i3d_{sha256[:8]}'
            self.resize = 'bilinear without antialiasing, shorter side to 224, center crop (torch)'

    def extract(self, clips: Tensor) -> Tensor:
        """Logits, before the softmax, mean over time.

        Raises:
            ValueError: The clips are too short.
        """
        if clips.shape[2] < MIN_FRAMES:
            raise ValueError(
                f'I3D of clips of {clips.shape[2]} frames: it needs at least {MIN_FRAMES} (FVD '
                f'is of 16); compare longer clips, or choose another extractor'
            )
        if self.is_script:
            return self.net(clips.float(), rescale=True, resize=True, return_features=True)
        return self.net(_center_square(clips.float() / 127.5 - 1, 224))


@MODELS.register_module()
class TorchvisionClipExtractor(AbstractClipExtractor):
    """Pooled features of a video network of torchvision, before its classifier.

    Args:
        weights: File of its weights, or ``'random'``, which draws the same random ones in every
            process, with a warning in the log and ``random`` in the name.
        name: In torchvision, e.g. ``'r3d_18'``, ``'s3d'``, ``'mvit_v2_s'``.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: torchvision has no such network, or the file does not fit it.
    """

    def __init__(self, weights: str, name: str = 'r3d_18') -> None:
        super().__init__()
        from torchvision.models import get_model_weights

        self.net = _load_torchvision(name, weights)
        self.num_features = _behead(self.net)
        is_random = weights == RANDOM
        self.name = f'torchvision_{name}' + ('_random' if is_random else '')
        transform = get_model_weights(name).DEFAULT.transforms()
        self.size = tuple(transform.crop_size)
        self.resize = f'bilinear with antialiasing to {self.size[0]} x {self.size[1]} (torch)'
        for buffer in ('mean', 'std'):
            value = torch.tensor(getattr(transform, buffer)).view(1, 3, 1, 1, 1)
            self.register_buffer(buffer, value)
        self.checksum = weights_digest(self.net)

    def extract(self, clips: Tensor) -> Tensor:
        """Features of clips normalized as the network was trained."""
        clips = _resized(clips.float() / 255, self.size, antialias=True)
        return self.net((clips - self.mean) / self.std).flatten(1)


def _resized(clips: Tensor, size: Sequence[int], antialias: bool) -> Tensor:
    """Clips ``(B, C, T, H, W)`` with frames of another size."""
    frames = clips.transpose(1, 2).flatten(0, 1)
    frames = F.interpolate(frames, tuple(size), mode='bilinear', antialias=antialias)
    return frames.unflatten(0, (len(clips), -1)).transpose(1, 2)


def _center_square(clips: Tensor, side: int) -> Tensor:
    """The middle of clips whose shorter side is ``side``, as VideoGPT and PVDM take it."""
    height, width = clips.shape[-2:]
    shorter = min(height, width)
    size = [-(-n * side // shorter) for n in (height, width)]
    clips = _resized(clips, size, antialias=False)
    top, left = ((n - side) // 2 for n in size)
    return clips[..., top : top + side, left : left + side]


def _load_i3d(path: Path) -> nn.Module:
    """A scripted network, else the network of a state dict."""
    with warnings.catch_warnings(), suppress(RuntimeError):  # raised for other files
        warnings.simplefilter('ignore')  # TorchScript is deprecated; the published file is one
        return torch.jit.load(str(path), map_location='cpu').eval()
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        net = I3D()
        net.load_state_dict(state)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f'{path} is neither a TorchScript file nor a state dict of I3D with 400 classes: '
            f'{reason}; get {I3D_TORCHSCRIPT.url}'
        ) from error
    return net.eval().requires_grad_(False)


def _load_torchvision(network: str, weights: str) -> nn.Module:
    from torchvision.models import get_model, list_models, video

    if network not in (known := list_models(video)):
        near = difflib.get_close_matches(network, known, n=4, cutoff=0.3)
        raise ValueError(f'torchvision has no video network {network!r}; near names: {near}')
    with fixed_initialization():
        net = get_model(network, weights=None)
    if weights == RANDOM:
        warn_random('metrics of clips', network)
        return net.eval().requires_grad_(False)
    path = require_file(weights, f"get torchvision's {network}, or say weights={RANDOM!r}")
    try:
        net.load_state_dict(torch.load(path, map_location='cpu', weights_only=True))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {network!r}: {reason}') from error
    return net.eval().requires_grad_(False)


def _behead(net: nn.Module) -> int:
    """Take the classifier away; returns the channels that it got."""
    (name,) = (n for n in HEADS if hasattr(net, n))
    last = [m for m in getattr(net, name).modules() if isinstance(m, nn.Linear | nn.Conv3d)][-1]
    setattr(net, name, nn.Identity())
    return last.in_features if isinstance(last, nn.Linear) else last.in_channels
