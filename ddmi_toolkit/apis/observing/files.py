"""Files as observations: pictures with masks, small pictures, some frames of a clip, clouds."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...datasets.image_files import IMAGE_SUFFIXES, decode_image
from ...datasets.transforms.clips import center_crop, to_clip
from ...datasets.transforms.images import to_values
from ...datasets.video_sources import VIDEO_SUFFIXES, open_clip
from ...structures import Observations, PlaneLayout, Signal
from ..outputs import for_signal
from .clouds import observe_cloud
from .partial_clouds import read_partial


class AbstractObserver(ABC):
    """Reads what a file tells of a field.

    ``__init__`` takes the layout and options, and refuses what does not fit.

    Attributes:
        SUFFIXES: Of the files that can be read, in lower case; what is read of a folder says
            :meth:`__call__`.
    """

    SUFFIXES: ClassVar[tuple[str, ...]]

    @abstractmethod
    def __call__(self, path: Path) -> tuple[Observations, str]:
        """What is observed, and a line that says what was read.

        Raises:
            ValueError: The file cannot be read or does not fit the field.
        """

    @property
    def size(self) -> tuple[int, ...] | None:
        """Size of what is written, where the options imply one and a file was read."""
        return None


class PictureObserver(AbstractObserver):
    """A picture of which parts are known, or a small one to be enlarged.

    Pictures are cropped to the layout's shape around their center. Where they have more pixels
    than the layout has nodes, the known pixels of each node's cell are averaged. A picture with
    fewer pixels than nodes is taken for a reduced one: each value is the mean over its pixel.

    Args:
        layout: Coordinate axes ``x`` and ``y``.
        mask: Picture file of the same size, bright (128 or more) where pixels are to be made up.
            Transparent pixels are made up in any case.
        scale: Enlargement of what is written; None writes the layout's size.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES

    def __init__(
        self, layout: PlaneLayout, mask: str | Path | None = None, scale: float | None = None
    ) -> None:
        if scale is not None and not scale > 0:
            raise ValueError(f'scale={scale} must be a positive enlargement')
        self.layout, self.scale = layout, scale
        self.mask = None if mask is None else Path(mask)
        self._read_size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, ...] | None:
        """``scale`` times the size of the cropped picture."""
        if self.scale is None or self._read_size is None:
            return None
        rows, columns = self._read_size
        return max(round(self.scale * rows), 1), max(round(self.scale * columns), 1)

    def __call__(self, path: Path) -> tuple[Observations, str]:
        """The known pixels."""
        given = decode_image(path.read_bytes(), str(path))
        hidden = self._hidden(path, given.size)
        x, y = self.layout.axes.values()
        (picture,) = center_crop([given], (y.size, x.size))
        (unknown,) = center_crop([hidden], (y.size, x.size))
        self._read_size = picture.height, picture.width
        known = torch.from_numpy(np.asarray(unknown) < 128)
        values = _reduced(to_values(picture), known, (y.size, x.size))
        share = 100 * float(known.float().mean())
        found = Observations.from_raster(self.layout, values, averaged=True)
        story = f'{share:.0f} % of {picture.width}x{picture.height} pixels known'
        return found, story

    def _hidden(self, path: Path, size: tuple[int, int]) -> Image.Image:
        """What is to be made up: bright pixels of an 8-bit picture."""
        with Image.open(path) as image:
            has_alpha = 'A' in image.getbands()
            alpha = image.getchannel('A') if has_alpha else Image.new('L', size, 255)
        hidden = np.where(np.asarray(alpha) < 128, 255, 0).astype(np.uint8)
        if self.mask is not None:
            if not self.mask.is_file():
                raise FileNotFoundError(f'{self.mask} does not exist; give a picture as mask')
            mask = decode_image(self.mask.read_bytes(), str(self.mask)).convert('L')
            if mask.size != size:
                raise ValueError(
                    f'mask {self.mask} has {mask.width}x{mask.height} pixels, {path} has '
                    f'{size[0]}x{size[1]}; they must be of one size'
                )
            hidden = np.maximum(hidden, np.asarray(mask))
        return Image.fromarray(hidden)


class FramesObserver(AbstractObserver):
    """Some frames of a clip, between which the others are made up.

    Args:
        layout: Coordinate axes ``x``, ``y`` and ``t``.
        times: Which frame of the field each given one is, counted from 0, fractions allowed; None
            spreads them evenly from the first to the last.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = VIDEO_SUFFIXES

    def __init__(self, layout: PlaneLayout, times: Sequence[float] | None = None) -> None:
        last = layout.axes['t'].size - 1
        if times is not None and not all(0 <= t <= last for t in times):
            raise ValueError(f'times={list(times)} must be frames of the field, from 0 to {last}')
        self.layout, self.times = layout, times

    def __call__(self, path: Path) -> tuple[Observations, str]:
        """All frames of a video file or of a folder of pictures."""
        clip, (x, y, t) = open_clip(path), self.layout.axes.values()
        places = self._times(len(clip), t.size)
        size = y.size, x.size
        frames = clip.load(range(len(clip)))
        values = to_clip(center_crop(frames, size), size, Image.Resampling.BILINEAR)
        units = [t.low + (t.high - t.low) * (k + 0.5) / t.size for k in places]
        shown = ', '.join(f'{k:g}' for k in places)
        story = f'{len(clip)} frames, taken for frames {shown} of {t.size}'
        return Observations.from_frames(self.layout, values, units), story

    def _times(self, given: int, size: int) -> Sequence[float]:
        if self.times is not None:
            if len(self.times) != given:
                raise ValueError(f'{len(self.times)} times for {given} frames; give one each')
            return self.times
        if not 2 <= given <= size:
            raise ValueError(
                f'{given} frames cannot be spread over the {size} of the field; give 2 to {size}, '
                f'or say by times where they belong'
            )
        return [k * (size - 1) / (given - 1) for k in range(given)]


class CloudObserver(AbstractObserver):
    """A partial point cloud, in the units of the field.

    Args:
        layout: Coordinate axes ``x``, ``y`` and ``z``.
        num_points: Points that are taken, at most.
        viewpoint: Where the points were seen from, ``(x, y, z)``: what lies between is empty.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = ('.ply', '.npz')

    def __init__(
        self,
        layout: PlaneLayout,
        num_points: int = 512,
        viewpoint: Sequence[float] | None = None,
    ) -> None:
        if num_points < 1:
            raise ValueError(f'num_points={num_points} must be at least 1')
        if viewpoint is not None and len(viewpoint) != layout.dim:
            raise ValueError(f'viewpoint={list(viewpoint)} must be {layout.dim} coordinates')
        self.layout, self.num_points, self.viewpoint = layout, num_points, viewpoint

    def __call__(self, path: Path) -> tuple[Observations, str]:
        """Points, with what their normals tell where the file has them."""
        points, normals = read_partial(path)
        chosen = np.random.default_rng(0).permutation(len(points))[: self.num_points]
        viewpoint = None if self.viewpoint is None else torch.tensor(self.viewpoint).float()
        found = observe_cloud(
            self.layout,
            torch.from_numpy(points[chosen]),
            None if normals is None else torch.from_numpy(normals[chosen]),
            viewpoint,
        )
        kind = 'without normals' if normals is None else 'with normals'
        return found, f'{len(chosen)} of {len(points)} points {kind}'


OBSERVERS: dict[Signal, type[AbstractObserver]] = {
    Signal.PICTURE: PictureObserver,
    Signal.CLIP: FramesObserver,
    Signal.SURFACE: CloudObserver,
}
"""What reads observations of a signal."""


def make_observer(
    layout: PlaneLayout, options: dict[str, Any] | None = None, out_channels: int = 1
) -> AbstractObserver:
    """What reads observations of a layout's fields; arguments as :func:`make_writer`'s."""
    return for_signal(OBSERVERS, layout, options, out_channels)


def observe_file(observer: AbstractObserver, path: str | Path) -> tuple[Observations, str]:
    """What a file tells of a field, and a line that says what was read.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: A file of another kind, or one that cannot be read or does not fit.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist; give a file to complete')
    is_frames = isinstance(observer, FramesObserver) and path.is_dir()
    if not is_frames and path.suffix.lower() not in observer.SUFFIXES:
        raise ValueError(
            f'{path} is no file that can be completed by this model; expected the suffix '
            f'{", ".join(observer.SUFFIXES)}'
            + (' or a folder of frames' if isinstance(observer, FramesObserver) else '')
        )
    return observer(path)


def _reduced(values: Tensor, known: Tensor, size: tuple[int, int]) -> Tensor:
    """Means over the known pixels of each cell, NaN where none is; small pictures as they are.

    Args:
        values: ``(h, w, C)``.
        known: ``(h, w)``.
        size: Rows and columns of cells.
    """
    if values.shape[0] <= size[0] or values.shape[1] <= size[1]:
        return values.masked_fill(~known[..., None], torch.nan)
    weight = known.to(values)[None, None]
    sums = F.adaptive_avg_pool2d(values.movedim(-1, 0)[None] * weight, size)
    share = F.adaptive_avg_pool2d(weight, size)
    means = torch.where(share > 0, sums / share.clamp(min=1e-12), torch.nan)
    return means[0].movedim(0, -1)
