"""Pinhole cameras: which ray a pixel sees, and at which pixel a point is seen.

The conventions of the whole package, whatever a file format says:

* **World.** Right-handed, in the data's units. Nothing prefers an axis; where "up" matters it is
  an argument.
* **Camera axes** are OpenGL's: x to the right, y up, the camera looks along -z. A ``pose`` takes
  camera coordinates to the world's, so its last column is the camera center. OpenCV's axes (y
  down, z forward; COLMAP and the SRN files) are :meth:`Camera.from_opencv`'s.
* **Pixels** are (column, row), counted from the upper left corner *of the picture*: pixel (i, j)
  covers [i, i + 1] x [j, j + 1] and has its center at (i + 0.5, j + 0.5). So a camera in the
  middle has ``cx = width / 2``, and resizing a picture scales ``fx, fy, cx, cy`` and nothing else.
* **Depth** is the distance from the camera center along the unit ray, not along the optical axis.
* **Distortion** is OpenCV's radial and tangential model on the plane z = 1, y down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import cos, isfinite, radians, sin, tan

import torch
import torch.nn.functional as F
from torch import Tensor

from .lenses import distort, undistort


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera at a place; the module says which conventions hold.

    Args:
        pose: Camera to world, ``(4, 4)``; rays have its dtype and device.
        fx, fy: Focal lengths in pixels.
        cx, cy: Where the optical axis meets the picture, in pixels from its upper left corner.
        width, height: Size of the picture in pixels.
        distortion: OpenCV's ``k1, k2, p1, p2`` and perhaps ``k3``; empty for none.

    Raises:
        ValueError: A pose that is no rigid motion, a focal length or size that is not positive,
            or another number of coefficients.
    """

    pose: Tensor
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_pose(self.pose)
        if not (self.fx > 0 and self.fy > 0 and isfinite(self.fx + self.fy)):
            raise ValueError(f'focal lengths must be positive, got fx={self.fx}, fy={self.fy}')
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f'a picture has at least one pixel, got width={self.width}, height={self.height}'
            )
        if len(self.distortion) not in (0, 4, 5):
            raise ValueError(
                f'distortion={self.distortion} has {len(self.distortion)} coefficients; give '
                f'(k1, k2, p1, p2), (k1, k2, p1, p2, k3), or () for none'
            )

    @classmethod
    def from_fov(cls, pose: Tensor, fov_x: float, width: int, height: int) -> 'Camera':
        """A camera whose axis meets the middle of the picture and whose pixels are square.

        Args:
            pose: Camera to world, ``(4, 4)``.
            fov_x: Angle between the left and the right edge of the picture, in radians
                (``camera_angle_x`` of transforms.json).
            width: Columns of the picture.
            height: Rows of the picture.

        Raises:
            ValueError: An angle that is not between 0 and pi.
        """
        if not 0 < fov_x < torch.pi:
            raise ValueError(f'fov_x={fov_x} must be an angle in radians between 0 and pi')
        focal = width / 2 / tan(fov_x / 2)
        return cls(pose, focal, focal, width / 2, height / 2, width, height)

    @classmethod
    def from_opencv(
        cls,
        pose: Tensor,
        fx: float,
        fy: float,
        cx: float,
        cy: float,
        size: tuple[int, int],
        distortion: Sequence[float] = (),
    ) -> 'Camera':
        """A camera given by a pose whose axes are OpenCV's: x right, y down, z forward.

        Args:
            pose: Camera to world, ``(4, 4)``; invert what takes the world to the camera.
            fx: Focal length along columns, in pixels.
            fy: Focal length along rows, in pixels.
            cx: Where the optical axis meets the picture. Add 0.5 to a value that counts from the
                center of the first pixel, as OpenCV's calibration does.
            cy: The same along rows.
            size: ``(width, height)``.
            distortion: See :class:`Camera`.
        """
        flip = torch.tensor([1, -1, -1, 1], dtype=pose.dtype, device=pose.device)
        return cls(pose * flip, fx, fy, cx, cy, *size, tuple(distortion))

    @property
    def center(self) -> Tensor:
        """Where the camera is, ``(3,)``."""
        return self.pose[:3, 3]

    def resized(self, width: int, height: int) -> 'Camera':
        """The same camera with another number of pixels over the same picture."""
        u, v = width / self.width, height / self.height
        return replace(
            self,
            fx=self.fx * u,
            fy=self.fy * v,
            cx=self.cx * u,
            cy=self.cy * v,
            width=width,
            height=height,
        )

    def pixel_centers(self) -> Tensor:
        """``(height, width, 2)`` (column, row) of all pixels."""
        rows = torch.arange(self.height, dtype=self.pose.dtype, device=self.pose.device)
        cols = torch.arange(self.width, dtype=self.pose.dtype, device=self.pose.device)
        return torch.stack(torch.meshgrid(cols, rows, indexing='xy'), dim=-1) + 0.5

    def rays(self, pixels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What pixels see.

        Args:
            pixels: (column, row) coordinates ``(..., 2)``; None is all centers ``(h, w, 2)``.

        Returns:
            Origins, all the camera center, and unit directions, ``(..., 3)`` each.
        """
        pixels = self.pixel_centers() if pixels is None else pixels
        # float64: at a thousand pixels a float32 coordinate has lost four digits of the angle
        u, v = pixels.to(self.pose.device, torch.float64).unbind(-1)
        plane = torch.stack([(u - self.cx) / self.fx, (v - self.cy) / self.fy], dim=-1)
        x, y = undistort(plane, self.distortion).unbind(-1)
        local = F.normalize(torch.stack([x, -y, -torch.ones_like(x)], dim=-1), dim=-1)
        dirs = (local @ self.pose[:3, :3].double().T).to(self.pose.dtype)
        return self.center.expand_as(dirs), dirs

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Where points are seen.

        Args:
            points: ``(..., 3)`` in the world.

        Returns:
            Pixels ``(..., 2)`` (column, row), inside or outside of the picture, and depth
            ``(...)``: the distance from the camera center, negative for points behind the camera,
            whose pixels mean nothing.
        """
        offset = points.to(self.pose.device, torch.float64) - self.center.double()
        x, y, z = (offset @ self.pose[:3, :3].double()).unbind(-1)
        plane = distort(torch.stack([-x / z, y / z], dim=-1), self.distortion)
        u = self.fx * plane[..., 0] + self.cx
        v = self.fy * plane[..., 1] + self.cy
        depth = offset.norm(dim=-1) * torch.where(z < 0, 1, -1)
        return torch.stack([u, v], dim=-1).to(points.dtype), depth.to(points.dtype)


def stack_rays(cameras: Iterable[Camera]) -> tuple[Tensor, Tensor]:
    """Rays of all pixels of cameras of one size, ``(V, h, w, 3)`` origins and unit directions.

    Raises:
        ValueError: No cameras, or pictures of different sizes.
    """
    cameras = list(cameras)
    if len(sizes := {(c.width, c.height) for c in cameras}) != 1:
        raise ValueError(
            f'rays are stacked of cameras of one size (width, height), got {sorted(sizes)}; '
            f'bring them to one with Camera.resized'
        )
    origins, dirs = zip(*(c.rays() for c in cameras), strict=True)
    return torch.stack(origins), torch.stack(dirs)


def look_at(
    eye: Sequence[float] | Tensor,
    target: Sequence[float] | Tensor = (0.0, 0.0, 0.0),
    up: Sequence[float] | Tensor = (0.0, 0.0, 1.0),
) -> Tensor:
    """Pose ``(4, 4)`` of a camera at ``eye`` that sees ``target`` in its middle.

    Args:
        eye: Where it is, ``(3,)``; the pose has its dtype and device (float32 and CPU of numbers).
        target: What it looks at, ``(3,)``.
        up: Direction ``(3,)`` that points upwards in the picture, as far as possible.

    Raises:
        ValueError: The places coincide, or the camera looks along ``up``.
    """
    a, b, c = (torch.as_tensor(v, dtype=torch.float64, device='cpu') for v in (eye, target, up))
    back, right = a - b, torch.linalg.cross(c, a - b)
    if not back.norm() > 0:
        raise ValueError(f'eye={a.tolist()} is the target; move one of them')
    if not right.norm() > 1e-9 * back.norm() * c.norm():
        raise ValueError(
            f'the camera at {a.tolist()} looks at {b.tolist()} along up={c.tolist()}, which leaves '
            f'its roll open; give another up'
        )
    right, back = F.normalize(right, dim=0), F.normalize(back, dim=0)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3] = torch.stack([right, torch.linalg.cross(back, right), back, a], dim=-1)
    return pose.to(eye) if isinstance(eye, Tensor) else pose.float()


def orbit(
    num: int,
    radius: float,
    elevation_deg: float = 20.0,
    *,
    size: tuple[int, int] = (128, 128),
    fov_deg: float = 40.0,
    target: Sequence[float] = (0.0, 0.0, 0.0),
    up: str = 'z',
    start_deg: float = 0.0,
) -> list[Camera]:
    """Cameras evenly around a target, counter-clockwise seen from above.

    Args:
        num: Number of cameras.
        radius: Distance from the target.
        elevation_deg: Angle above the horizon, in degrees between -90 and 90.
        size: ``(width, height)`` of the pictures.
        fov_deg: Angle between the left and the right edge, in degrees.
        target: What they look at.
        up: Axis that points up, ``'x'``, ``'y'`` or ``'z'``.
        start_deg: Azimuth of the first, in degrees from the axis after ``up`` (x for ``'z'``).

    Raises:
        ValueError: No cameras, a radius or an elevation that does not fit, or another axis.
    """
    if num < 1 or not radius > 0 or not -90 < elevation_deg < 90 or up not in tuple('xyz'):
        raise ValueError(
            f'num={num} must be at least 1, radius={radius} positive, '
            f"elevation_deg={elevation_deg} between -90 and 90, up={up!r} 'x', 'y' or 'z'"
        )
    axis, cameras = 'xyz'.index(up), []
    vertical = [float(i == axis) for i in range(3)]
    for i in range(num):
        turn, rise = radians(start_deg + 360 * i / num), radians(elevation_deg)
        eye = list(target)
        eye[axis] += radius * sin(rise)
        eye[(axis + 1) % 3] += radius * cos(rise) * cos(turn)
        eye[(axis + 2) % 3] += radius * cos(rise) * sin(turn)
        pose = look_at(eye, target, vertical)
        cameras.append(Camera.from_fov(pose, radians(fov_deg), *size))
    return cameras


def _check_pose(pose: Tensor) -> None:
    if pose.shape != (4, 4) or not pose.is_floating_point():
        raise ValueError(
            f'a pose is a matrix (4, 4) of floating point, camera to world, got '
            f'{pose.dtype} {tuple(pose.shape)}'
        )
    rotation = pose[:3, :3].double().cpu()
    off = (rotation.T @ rotation - torch.eye(3, dtype=torch.float64)).abs().max()
    last = pose.new_tensor([0, 0, 0, 1])
    if not off < 1e-3 or not rotation.det() > 0 or not torch.equal(pose[3], last):
        raise ValueError(
            f'the pose is no rigid motion: its axes are off a right-handed orthonormal frame by '
            f'{float(off):.3g} (determinant {float(rotation.det()):.3g}), its last row is '
            f'{pose[3].tolist()}; expected a rotation, a place and (0, 0, 0, 1)'
        )
