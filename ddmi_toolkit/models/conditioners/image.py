"""Conditions that are pictures."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...layers.clip_towers import create_clip
from ...layers.clip_weights import find_clip_weights
from ...layers.frozen import Frozen, warn_random
from ...layers.image_features import ImageFeatures
from ...layers.timm_backbone import find_backbone_weights
from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class ImageConditioner(AbstractConditioner):
    """Last feature map of a frozen timm backbone: its cells are the context, their mean the vector.

    Tokens run along rows. Their positions are not encoded beyond what the backbone does itself.
    Checkpoints hold the backbone when it is random; when it comes from a file they hold its
    checksum in its place, and loading them with another file fails.

    Args:
        backbone: Name in timm, e.g. ``'resnet50'``.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log.
        has_context: Whether the tokens are given, or the vector alone.
        drop_probability: See :class:`AbstractConditioner`.
        image_size: Side of the square that the middle of a picture file is brought to; that of
            the pictures that were trained on.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, or the file holds the weights of another one.
    """

    def __init__(
        self,
        backbone: str,
        pretrained: str | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
        image_size: int = 224,
    ) -> None:
        keep = 'weights' if pretrained is None else 'fingerprint'
        features = ImageFeatures(backbone, pretrained, layers=(-1,), keep=keep)
        channels = features.channels[-1]
        super().__init__(channels, channels if has_context else None, drop_probability)
        self.features = features
        self.backbone, self.pretrained, self.image_size = backbone, pretrained, image_size

    def require_files(self) -> None:
        """Find the weights without reading them.

        Raises:
            FileNotFoundError: The file does not exist.
        """
        if self.pretrained is not None:
            find_backbone_weights(self.backbone, self.pretrained)

    def embed(self, raw: Tensor) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, h * w, D)`` of images.

        Args:
            raw: ``(B, 3, H, W)`` or ``(B, 1, H, W)``, values in [-1, 1].
        """
        with torch.no_grad():
            tokens = self.features(raw.to(self.null_vector.device))[-1].flatten(2).mT
        return dict(vector=tokens.mean(dim=1), context=tokens if self.context_channels else None)

    def parse(self, value: Any) -> Tensor:
        """The middle of a picture file, ``(3, s, s)`` in [-1, 1].

        Raises:
            TypeError: Not a path.
            ValueError: The file is missing or no picture.
        """
        return read_square(value, self.image_size)


@MODELS.register_module()
class ClipImageConditioner(AbstractConditioner):
    """Frozen image tower of an open-clip model: patches are the context, an embedding the vector.

    The vector lies in the space of the model's text vectors. Checkpoints are as those of
    :class:`ImageConditioner`.

    Args:
        model: Name of an open-clip model with a vision transformer, e.g. ``'ViT-B-32'``.
        pretrained: File of its weights, or open-clip's name of a training run whose file has been
            downloaded; None draws random ones, with a warning in the log.
        has_context: Whether the tokens are given, or the vector alone.
        drop_probability: See :class:`AbstractConditioner`.

    Raises:
        FileNotFoundError: The weights are not on this machine.
        ValueError: An unknown or unsuitable model, or the file holds other weights.
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
    ) -> None:
        tower = create_clip(model, pretrained).visual
        if not hasattr(tower, 'output_tokens'):
            raise ValueError(
                f'the image tower of {model!r} is no vision transformer and gives no tokens; '
                f"choose one such as 'ViT-B-32', or ImageConditioner"
            )
        if pretrained is None:
            warn_random('image condition', model)
        tower.output_tokens = True
        width = tower.ln_post.normalized_shape[0]
        super().__init__(tower.output_dim, width if has_context else None, drop_probability)
        self.tower = Frozen(tower, keep='weights' if pretrained is None else 'fingerprint')
        self.model, self.pretrained = model, pretrained
        for name in ('mean', 'std'):
            color = torch.tensor(getattr(tower, f'image_{name}'), device='cpu').view(1, -1, 1, 1)
            self.register_buffer(name, color, persistent=False)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width that the tower sees pictures at."""
        height, width = self.tower.module.image_size
        return height, width

    def require_files(self) -> None:
        """Find the weights without reading them.

        Raises:
            FileNotFoundError: They are not on this machine.
        """
        if self.pretrained is not None:
            find_clip_weights(self.model, self.pretrained)

    @torch.no_grad()
    def embed(self, raw: Tensor) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, L, W)`` of images.

        Args:
            raw: ``(B, 3, H, W)`` or ``(B, 1, H, W)``, values in [-1, 1]; resized to what the
                tower takes.

        Raises:
            ValueError: Images of another shape.
        """
        if raw.ndim != 4 or raw.shape[1] not in (1, 3):
            raise ValueError(
                f'images of shape {tuple(raw.shape)}: expected (B, 3, H, W) or (B, 1, H, W) with '
                f'values in [-1, 1]'
            )
        images = raw.to(self.null_vector.device)
        if images.shape[2:] != self.image_size:
            images = F.interpolate(images, self.image_size, mode='bicubic', antialias=True)
        images = (images.clamp(-1, 1) + 1) / 2
        vector, tokens = self.tower((images - self.mean) / self.std)
        return dict(vector=vector, context=tokens if self.context_channels else None)

    def parse(self, value: Any) -> Tensor:
        """The middle of a picture file, ``(3, s, s)`` in [-1, 1].

        Raises:
            TypeError: Not a path.
            ValueError: The file is missing or no picture.
        """
        return read_square(value, self.image_size[0])


def read_square(path: Any, size: int) -> Tensor:
    """The middle of a picture file on white, ``(3, size, size)`` in [-1, 1].

    Raises:
        TypeError: Not a path.
        ValueError: The file is missing or no picture.
    """
    from PIL import Image, ImageOps

    if not isinstance(path, str | Path):
        raise TypeError(f'expected a picture file, got {type(path).__name__} {path!r:.80}')
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f'the picture {path} does not exist; give a file such as a PNG or JPEG')
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert('RGBA')
    except Exception as error:
        raise ValueError(f'{path} cannot be read as a picture: {error}') from error
    white = Image.new('RGBA', picture.size, 'white')
    picture = Image.alpha_composite(white, picture).convert('RGB')
    picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    values = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return values.view(size, size, 3).permute(2, 0, 1).float() / 127.5 - 1
