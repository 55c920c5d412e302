"""Reconstruction of objects from colored points, compared with the views that are given."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from ...datasets.posed_views.carving import carve_cloud
from ...datasets.posed_views.clouds import read_cloud
from ...datasets.posed_views.npz_format import load_npz
from ...datasets.posed_views.srn_format import is_srn, load_srn
from ...datasets.posed_views.transforms_format import load_transforms
from ...datasets.posed_views.view import PosedObject, View
from ...layers.ray_marching import render_rays
from ...structures import Field, PlaneLayout, to_uint8
from ...visualization import image_grid, save_image
from ..fields import save_field
from ..outputs import make_writer
from .base import AbstractReconstructor, Report, ToField
from .pictures import psnr_8bit

_FILL = 0.95  # of the box's half side: radius of a cloud that comes without cameras


class ViewsReconstructor(AbstractReconstructor):
    """Encodes a colored cloud, and looks at the field from the given views and from all around.

    What can be given: an npz with pictures, poses and a cloud; a folder in the layout of SRN; a
    ``transforms.json`` or its folder; or a PLY of colored points. Where pictures come without a
    cloud, one is carved of their silhouettes.

    Args:
        layout: Coordinate axes ``x``, ``y`` and ``z``.
        num_points: Points encoded, at most.
        num_views: Given views to compare with, evenly spaced among them.
        scale: Of the world, so that the object fills the layout's box; None leaves views as they
            are, and centers and scales a PLY to fit.
        background: Behind the object, in [-1, 1].
        size, views, num_frames, resolution, format: Of what is written of the field, as the writer
            of radiance fields takes them.

    Raises:
        ValueError: One of the options does not fit.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = ('.npz', '.ply', '.json')
    FOLDERS: ClassVar[str] = 'a folder with transforms.json or with rgb/, pose/ and intrinsics.txt'

    def __init__(
        self,
        layout: PlaneLayout,
        num_points: int = 2048,
        num_views: int = 4,
        scale: float | None = None,
        background: float = 1.0,
        size: int | Sequence[int] | None = None,
        views: int | None = None,
        num_frames: int | None = None,
        resolution: int | None = None,
        format: str | None = None,
    ) -> None:
        for name, value in dict(num_points=num_points, num_views=num_views).items():
            if value < 1:
                raise ValueError(f'{name}={value} must be at least 1')
        if scale is not None and not scale > 0:
            raise ValueError(f'scale={scale} must be a positive number')
        if not -1 <= background <= 1:
            raise ValueError(f'background={background} must be between -1 and 1')
        axes = layout.axes.values()
        self.box = max(a.low for a in axes), min(a.high for a in axes)
        self.num_points, self.num_views = num_points, num_views
        self.scale, self.background = scale, background
        options = dict(
            size=size, views=views, num_frames=num_frames, resolution=resolution, format=format
        )
        self.writer = make_writer(layout, options, out_channels=4)

    @classmethod
    def find(cls, path: Path) -> list[Path]:
        """Files and object folders; pictures and clouds that belong to one are not looked at."""
        if not path.is_dir():
            return [path] if path.suffix.lower() in cls.SUFFIXES else []
        if is_srn(path) or (path / 'transforms.json').is_file():
            return [path]
        below = sorted(p for p in path.iterdir() if p.name[0] != '.')
        return [found for p in below for found in cls.find(p)]

    def __call__(self, path: Path, stem: Path, to_field: ToField) -> Report:
        """Write the field, what its writer makes of it, and, of views, ``stem_comparison.png``.

        The last shows given views above the rendered ones.
        """
        posed, source = self._read(path)
        points = self._thinned(posed)
        field = to_field(torch.from_numpy(points))
        save_field(field, stem.with_name(f'{stem.name}.safetensors'))
        self.writer.write(field, stem)
        report: Report = dict(done=f'{len(points)} of {len(posed.points)} points {source}')
        if posed.views:
            report['psnr'] = self._compare(field, posed, stem)
            report['views'] = f'{min(self.num_views, len(posed.views))} of {len(posed.views)}'
        return report

    def _read(self, path: Path) -> tuple[PosedObject, str]:
        """The object in the layout's box, and where its cloud is from."""
        if path.suffix.lower() == '.ply':
            return self._placed(PosedObject(path.stem, [], read_cloud(path))), f'of {path.name}'
        posed = _load(path).moved((0.0, 0.0, 0.0), self.scale or 1.0)
        if posed.points is not None:
            return posed, 'given with the views'
        points = carve_cloud(posed.views, box=self.box, background=self.background)
        found = PosedObject(posed.name, posed.views, points)
        return found, f'carved of {len(posed.views)} silhouettes'

    def _placed(self, posed: PosedObject) -> PosedObject:
        if self.scale is not None:
            return posed.moved((0.0, 0.0, 0.0), self.scale)
        low, high = posed.points[:, :3].min(0), posed.points[:, :3].max(0)
        center = (low + high) / 2
        radius = np.linalg.norm(posed.points[:, :3] - center, axis=1).max()
        half = (self.box[1] - self.box[0]) / 2
        middle = np.full(3, sum(self.box) / 2, np.float32)
        scale = _FILL * half / max(float(radius), 1e-12)
        return posed.moved((center - middle / scale).tolist(), scale)

    def _thinned(self, posed: PosedObject) -> np.ndarray:
        """At most ``num_points`` of the cloud.

        Raises:
            ValueError: It does not lie in the box.
        """
        places = posed.points[:, :3]
        outside = ((places < self.box[0]) | (places > self.box[1])).any(1).mean()
        if outside > 0.01:
            raise ValueError(
                f'{posed.name}: {100 * outside:.0f} % of the points are outside of the box '
                f'{self.box} of the field, they reach to {np.abs(places).max():.3g}; set scale'
            )
        chosen = np.random.default_rng(0).permutation(len(places))[: self.num_points]
        return posed.points[chosen]

    def _compare(self, field: Field, posed: PosedObject, stem: Path) -> float:
        """Mean PSNR of given views in dB; writes them beside the rendered ones."""
        count = min(self.num_views, len(posed.views))
        views = [posed.views[i * len(posed.views) // count] for i in range(count)]
        given = [_to_uint8(view.colors(self.background)) for view in views]
        shown = [self._render(field, view) for view in views]
        sheet = image_grid([*given, *shown], columns=count)
        save_image(sheet, stem.with_name(f'{stem.name}_comparison.png'))
        return float(np.mean([psnr_8bit(a, b) for a, b in zip(given, shown, strict=True)]))

    @torch.no_grad()
    def _render(self, field: Field, view: View) -> np.ndarray:
        rays = (r[None] for r in view.camera.rays())
        color = render_rays(field, *rays, background=self.background).color
        return _to_uint8(color[0].cpu().numpy())


def _load(path: Path) -> PosedObject:
    """The object in a file or folder."""
    if path.suffix.lower() == '.npz':
        return load_npz(path)
    if path.suffix.lower() == '.json':
        return load_transforms(path, path.stem)
    return load_srn(path) if is_srn(path) else load_transforms(path / 'transforms.json', path.name)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return to_uint8(torch.from_numpy(values)).numpy()
