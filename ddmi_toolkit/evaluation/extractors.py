"""Networks whose features images are compared in, each known by its name and its weights."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers.frozen import fixed_initialization, require_file, warn_random
from ..layers.image_features import ImageFeatures
from ..registry import MODELS
from ..structures import as_size
from .extractor_roles import AbstractExtractor
from .weights import INCEPTION, file_sha256, find_weights, weights_digest


@MODELS.register_module()
class InceptionExtractor(AbstractExtractor):
    """Pool features of the Inception network of FID, as torch-fidelity computes them.

    With the published weights the metrics have their plain names (``fid``); with any other
    file the first digits of its checksum stand in them (``fid_inception_1a2b3c4d``).

    Args:
        weights: The file ``weights-inception-2015-12-05-6726825d.pth`` (pytorch-fid's
            ``pt_inception-2015-12-05-6726825d.pth`` is the same); None looks for it in torch's
            cache, ``$TORCH_HOME/hub/checkpoints``.

    Raises:
        FileNotFoundError: It is not there; the message says what to download to where.
        ValueError: The file has another layout.
    """

    num_features = 2048
    resize = 'bilinear without antialiasing to 299 x 299, grid of TensorFlow 1 (torch-fidelity)'

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        path = find_weights(INCEPTION, weights)
        sha256 = file_sha256(path)
        self.checksum = sha256[:16]
        self.name = '' if sha256 == INCEPTION.sha256 else f'inception_{sha256[:8]}'
        self.net = _load_inception(path)

    def extract(self, images: Tensor) -> Tensor:
        """Mean over positions of the last maps."""
        return self.net(images)[0]


@MODELS.register_module()
class TimmExtractor(AbstractExtractor):
    """Mean over positions of the last feature map of a timm backbone.

    Args:
        backbone: Name in timm, e.g. ``'resnet50'``.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log and ``random`` in the name.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, or the file holds the weights of another one.
    """

    def __init__(self, backbone: str, pretrained: str | None = None) -> None:
        super().__init__()
        import timm

        self.net = ImageFeatures(backbone, pretrained, layers=(-1,), keep='weights')
        self.name = f'timm_{backbone}' + ('' if pretrained else '_random')
        self.num_features = self.net.channels[-1]
        cfg = timm.get_pretrained_cfg(backbone)
        self.size = (224, 224) if cfg is None else tuple(cfg.input_size[-2:])
        self.resize = _resize_name(self.size)
        self.checksum = weights_digest(self.net)

    def extract(self, images: Tensor) -> Tensor:
        """Pooled features, of images normalized as the backbone was trained."""
        images = _resized(images.float() / 127.5 - 1, self.size)
        return self.net(images)[-1].mean((2, 3))


@MODELS.register_module()
class ClipExtractor(AbstractExtractor):
    """Image embeddings of a CLIP model of open_clip, not normalized.

    Args:
        model: Name in open_clip, e.g. ``'ViT-B-32'``.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log and ``random`` in the name.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: open_clip has no such model, or the file does not fit it.
    """

    def __init__(self, model: str, pretrained: str | None = None) -> None:
        super().__init__()
        self.net = _load_clip(model, pretrained).eval().requires_grad_(False)
        visual = self.net.visual
        self.name = f'clip_{model}'.lower().replace('-', '_').replace('/', '_')
        self.name += '' if pretrained else '_random'
        self.size = as_size(visual.image_size)
        self.resize = _resize_name(self.size)
        self.num_features = visual.output_dim
        for name in ('mean', 'std'):
            value = torch.tensor(getattr(visual, f'image_{name}')).view(1, 3, 1, 1)
            self.register_buffer(name, value)
        self.checksum = weights_digest(self.net)

    def extract(self, images: Tensor) -> Tensor:
        """Embeddings of images normalized as the model was trained."""
        images = _resized(images.float() / 255, self.size)
        return self.net.encode_image((images - self.mean) / self.std)


@MODELS.register_module()
class PixelExtractor(AbstractExtractor):
    """Mean colors of a regular grid of blocks, in [0, 1]; no network at all.

    Args:
        grid: Blocks along each side.
    """

    checksum = 'none'

    def __init__(self, grid: int = 8) -> None:
        super().__init__()
        if grid < 1:
            raise ValueError(f'grid={grid} must be at least 1')
        self.grid, self.num_features = grid, 3 * grid**2
        self.name = f'pixels_{grid}x{grid}'
        self.resize = f'mean over {grid} x {grid} blocks'

    def extract(self, images: Tensor) -> Tensor:
        """Block means, by channel."""
        return F.adaptive_avg_pool2d(images.float() / 255, self.grid).flatten(1)


def _resized(images: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(images, tuple(size), mode='bicubic', antialias=True, align_corners=False)


def _resize_name(size: Sequence[int]) -> str:
    return f'bicubic with antialiasing to {size[0]} x {size[1]} (torch)'


def _load_inception(path: Path) -> nn.Module:
    """Inception with the weights of a file, which may hold tensors alone."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        torch.load(path, map_location='cpu', weights_only=True)  # the library would run any code
        return FeatureExtractorInceptionV3('inception', ['2048'], str(path))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f'{path} cannot be read as weights of the Inception network of FID: {reason}; get '
            f'{INCEPTION.url}'
        ) from error


def _load_clip(model: str, pretrained: str | None) -> nn.Module:
    import open_clip

    if open_clip.get_model_config(model) is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=4, cutoff=0.4)
        raise ValueError(f'open_clip has no model {model!r}; near names: {near}')
    path = None
    if pretrained is None:
        warn_random('metrics of generated images', model)
    else:
        path = str(require_file(pretrained, 'open_clip.download_pretrained fetches it'))
    try:
        with fixed_initialization():
            return open_clip.create_model(model, pretrained=path)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {model!r}: {reason}') from error
