"""Transforms of records of posed views: clouds, rays for training, whole views for evaluation.

A record has ``views`` and ``cameras`` (see ``posed_views.view``), ``points (P, 6)`` or None, and a
``name``. Colors are in [-1, 1], red, green, blue.
"""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torch import Tensor

from ...registry import TRANSFORMS
from ...structures import as_size
from ..base import Record
from ..posed_views.view import Background, View
from .images import Size, with_extras


@TRANSFORMS.register_module()
class SubsampleCloud(BaseTransform):
    """Draw points, with their colors, from the cloud.

    Args:
        num_points: Number of points ``P``.
        replace: Whether a point may be drawn twice.
    """

    def __init__(self, num_points: int = 3000, replace: bool = False) -> None:
        self.num_points, self.replace = _at_least_one('num_points', num_points), replace

    def transform(self, record: Record) -> Record:
        """Replace ``points (M, 6)`` by ``P`` of them.

        Raises:
            ValueError: There is no cloud, or too few points.
        """
        points, rng = _cloud(record), record['rng']
        if self.replace:
            chosen = rng.integers(0, len(points), self.num_points)
        elif self.num_points <= len(points):
            chosen = rng.permutation(len(points))[: self.num_points]
        else:
            raise ValueError(
                f'{record["name"]} has {len(points)} points, num_points={self.num_points} are '
                f'wanted without replacement; ask for fewer or set replace=True'
            )
        record['points'] = points[chosen]
        return record


@TRANSFORMS.register_module()
class JitterCloud(BaseTransform):
    """Add Gaussian noise to the places of the cloud, not to its colors.

    Args:
        std: Standard deviation in data units.
    """

    def __init__(self, std: float = 0.005) -> None:
        if std < 0:
            raise ValueError(f'std must not be negative, got {std}')
        self.std = std

    def transform(self, record: Record) -> Record:
        """Move ``points (P, 6)``."""
        points = _cloud(record).copy()
        noise = record['rng'].standard_normal((len(points), 3), dtype=np.float32)
        points[:, :3] += np.float32(self.std) * noise
        record['points'] = points
        return record


@TRANSFORMS.register_module()
class SampleRays(BaseTransform):
    """Training sample: the cloud, and rays of random views with the colors that they see.

    Views are drawn without replacement, and so are the pixels of a view (published: 5000 pixels
    of one view for the whole batch). ``query['seed']`` is what the renderer jitters its samples by.

    Sample: ``inputs (P, 6)``; ``query = dict(origins=(R, 3), dirs=(R, 3), seed=())``; ``target
    (R, 3)``; ``meta = dict(name=...)``. With ``background=None`` also ``query['background'] (3,)``.

    Args:
        num_rays: Number of rays ``R`` of a sample.
        num_views: Number of views that they are divided over.
        foreground_share: Share of the rays drawn from pixels in which something is seen, as far as
            there are such; 0 draws from all pixels alike (published).
        background: What transparent pixels show, one value or three in [-1, 1]; pixels of
            pictures without alpha are taken for empty if they have this color. None draws a color
            for each sample, which pictures without alpha cannot show.
        cond: Record key handed to a conditioner.

    Raises:
        ValueError: Arguments do not fit, or an object has no cloud, or too few views or pixels.
    """

    def __init__(
        self,
        num_rays: int = 1024,
        num_views: int = 1,
        foreground_share: float = 0.0,
        background: Background | None = 1.0,
        cond: str | None = None,
    ) -> None:
        if not 0 <= foreground_share <= 1:
            raise ValueError(f'foreground_share is a fraction in [0, 1], got {foreground_share}')
        self.num_rays = _at_least_one('num_rays', num_rays)
        self.num_views = _at_least_one('num_views', num_views)
        if num_views > num_rays:
            raise ValueError(f'num_rays={num_rays} cannot be divided over num_views={num_views}')
        self.foreground_share, self.cond = foreground_share, cond
        self.background = None if background is None else _as_color(background)

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        rng, views = record['rng'], record['views']
        inputs = torch.from_numpy(np.array(_cloud(record), np.float32))
        if self.num_views > len(views):
            raise ValueError(
                f'{record["name"]} has {len(views)} views, num_views={self.num_views} are wanted'
            )
        ground = self.background
        if ground is None:
            ground = rng.uniform(-1, 1, 3).astype(np.float32)
        parts = [
            self._rays(views[v], count, ground, rng)
            for v, count in zip(
                rng.permutation(len(views))[: self.num_views],
                np.diff(np.linspace(0, self.num_rays, self.num_views + 1).round().astype(int)),
                strict=True,
            )
        ]
        origins, dirs, target = (torch.cat(part) for part in zip(*parts, strict=True))
        query = dict(origins=origins, dirs=dirs, seed=torch.tensor(int(rng.integers(2**62))))
        if self.background is None:
            query['background'] = torch.from_numpy(ground)
        return with_extras(dict(inputs=inputs, query=query, target=target), record, self.cond)

    def _rays(
        self, view: View, count: int, ground: np.ndarray, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Origins, directions and colors of ``count`` pixels, ``(count, 3)`` each."""
        colors = view.colors(ground)
        height, width = colors.shape[:2]
        if self.background is None and view.pixels().shape[2] == 3:
            raise ValueError(
                f'{view.name} has no alpha channel, so no random background can be put behind it; '
                f'set background to the color that it shows'
            )
        if count > height * width:
            raise ValueError(
                f'{view.name} has {width}x{height} pixels, {count} rays are wanted of it; lower '
                f'num_rays or raise num_views'
            )
        order = rng.permutation(height * width)
        wanted = round(self.foreground_share * count)
        if wanted:
            is_seen = view.mask(ground).ravel()[order]
            first = order[is_seen][:wanted]
            order = np.concatenate([first, order[~np.isin(order, first)]])
        rows, cols = np.divmod(order[:count], width)
        pixels = torch.from_numpy(np.stack([cols, rows], -1).astype(np.float32) + 0.5)
        origins, dirs = view.camera.rays(pixels)
        return origins, dirs, torch.from_numpy(colors[rows, cols])


@TRANSFORMS.register_module()
class PackViews(BaseTransform):
    """Evaluation sample: the cloud, and whole views.

    Sample: ``inputs (P, 6)``; ``query = dict(origins=(V, h, w, 3), dirs=(V, h, w, 3))``; ``target
    (V, h, w, 3)``; ``meta = dict(name=...[, depth=(V, h, w)])``, the depth where it is known and
    pictures are not resized: distance along the unit ray, ``inf`` where nothing is hit.

    Args:
        num_views: Number of views ``V``, evenly spaced among those of the record; None takes all.
        size: Of the pictures, one number or ``(height, width)``; None leaves them as they are.
        background: What transparent pixels show, one value or three in [-1, 1].
        cond: Record key handed to a conditioner.

    Raises:
        ValueError: Arguments do not fit, or an object has no cloud, or too few views.
    """

    def __init__(
        self,
        num_views: int | None = None,
        size: Size | None = None,
        background: Background = 1.0,
        cond: str | None = None,
    ) -> None:
        self.num_views = None if num_views is None else _at_least_one('num_views', num_views)
        self.size = None if size is None else as_size(size, 'size')
        self.background, self.cond = _as_color(background), cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        inputs = torch.from_numpy(np.array(_cloud(record), np.float32))
        available = len(record['views'])
        count = available if self.num_views is None else self.num_views
        if count > available:
            raise ValueError(
                f'{record["name"]} has {available} views, num_views={count} are wanted'
            )
        chosen = [record['views'][i * available // count] for i in range(count)]
        sizes = {self.size or (v.camera.height, v.camera.width) for v in chosen}
        if len(sizes) > 1:
            raise ValueError(
                f'{record["name"]} has views of the sizes (height, width) {sorted(sizes)}; set size'
            )
        origins, dirs, target = zip(*(self._view(v, *sizes) for v in chosen), strict=True)
        query = dict(origins=torch.stack(origins), dirs=torch.stack(dirs))
        sample = dict(inputs=inputs, query=query, target=torch.stack(target))
        sample = with_extras(sample, record, self.cond)
        is_resized = any((v.camera.height, v.camera.width) not in sizes for v in chosen)
        depths = [None] if is_resized else [v.depth() for v in chosen]
        if all(d is not None for d in depths):
            sample['meta']['depth'] = torch.stack(depths)
        return sample

    def _view(self, view: View, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        height, width = size
        origins, dirs = view.camera.resized(width, height).rays()
        colors = view.colors(self.background)
        return origins, dirs, torch.from_numpy(_resized(colors, size))


def _resized(colors: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Colors ``(h, w, 3)`` at another size, by a filter that averages what it merges."""
    if colors.shape[:2] == size:
        return colors
    planes = [
        Image.fromarray(np.ascontiguousarray(colors[..., c])).resize(
            size[::-1], Image.Resampling.BILINEAR
        )
        for c in range(3)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _cloud(record: Record) -> np.ndarray:
    points = record['points']
    if points is None:
        raise ValueError(
            f'{record["name"]} has no point cloud, which the encoder reads; set '
            f"points='carve' of the data set, which makes one of pictures with a known background"
        )
    return points


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f'{name} must be at least 1, got {value}')
    return value


def _as_color(value: Background) -> np.ndarray:
    """``(3,)`` float32."""
    color = np.asarray(value, np.float32)
    if color.shape not in ((), (3,)) or not (np.abs(color) <= 1).all():
        raise ValueError(f'background={value} must be one value or three in [-1, 1]')
    return np.broadcast_to(color, (3,)).copy()
