"""Conditions that are point clouds: a part of a shape, as a scanner sees it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...layers.attention import CrossAttention
from ...layers.embedding import FourierFeatures
from ...layers.mlp import ResidualLinear
from ...layers.sequence import FeedForward
from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class PointCloudConditioner(AbstractConditioner):
    """A small PointNet, trained with the denoiser, and tokens that look at its points.

    Between residual blocks each point sees the maximum over all points (Qi et al. 2017); learned
    queries then read what the context says, and a maximum is the vector. So the order of the
    points does not matter, and clouds of any number of points are taken.

    Args:
        channels: Channels ``D`` of the vector and of the context.
        num_tokens: Tokens ``L`` of the context.
        num_blocks: Residual blocks.
        num_heads: Attention heads of the queries; divides ``channels``.
        num_frequencies: Octaves of the coordinates' encoding.
        extent: Largest absolute coordinate of a shape, which is scaled to 1; files that reach
            beyond twice of it are refused.
        drop_probability: See :class:`AbstractConditioner`.
    """

    def __init__(
        self,
        channels: int = 128,
        num_tokens: int = 32,
        num_blocks: int = 3,
        num_heads: int = 4,
        num_frequencies: int = 5,
        extent: float = 0.55,
        drop_probability: float = 0.1,
    ) -> None:
        super().__init__(channels, channels, drop_probability)
        for name, value in dict(num_tokens=num_tokens, num_blocks=num_blocks).items():
            if value < 1:
                raise ValueError(f'PointCloudConditioner: {name} must be at least 1, got {value}')
        self.extent = extent
        self.encoding = FourierFeatures(3, num_frequencies, scale=torch.pi / 2)
        self.stem = nn.Linear(self.encoding.out_channels, channels)
        self.blocks = nn.ModuleList(
            ResidualLinear(2 * channels, channels) for _ in range(num_blocks)
        )
        self.pool = nn.Linear(channels, channels)
        self.queries = nn.Parameter(torch.empty(num_tokens, channels).normal_(std=0.5))
        self.attention = CrossAttention(channels, channels, num_heads)
        nn.init.xavier_uniform_(self.attention.proj.weight)  # tokens say something from the start
        self.feed_forward = FeedForward(channels, 2 * channels)

    def embed(self, raw: Tensor) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, L, D)`` of clouds.

        Args:
            raw: Points ``(B, P, 3)`` in the coordinates of the shapes.

        Raises:
            ValueError: Another shape, no points, or values that are not finite.
        """
        points = torch.as_tensor(raw)
        if points.ndim != 3 or points.shape[-1] != 3 or points.shape[1] == 0:
            raise ValueError(
                f'clouds of shape {tuple(points.shape)}: expected (B, P, 3) with at least one point'
            )
        points = points.to(self.null_vector) / self.extent
        if not torch.isfinite(points).all():
            raise ValueError('clouds have coordinates that are not finite; leave these points out')
        h = self.stem(self.encoding(points))
        for block in self.blocks:
            h = block(torch.cat([h, h.amax(dim=1, keepdim=True).expand_as(h)], dim=-1))
        queries = self.queries.expand(len(h), -1, -1)
        context = self.feed_forward(queries + self.attention(queries, h))
        return dict(vector=self.pool(h.amax(dim=1)), context=context)

    def parse(self, value: Any) -> Tensor:
        """Points ``(P, 3)`` of a file, in the coordinates of the shapes.

        Args:
            value: A ``.ply``, ``.xyz``, ``.npz`` (its array ``points``), ``.npy`` file, or another
                that trimesh reads. The frame is that of the shapes that were trained on, for a part
                does not tell the center and size of the whole.

        Raises:
            TypeError: Not a path.
            ValueError: The file is missing, has no points, or is of another frame.
        """
        points = read_points(value)
        reach = float(points.abs().max())
        if reach > 2 * self.extent:
            raise ValueError(
                f'{value}: coordinates reach {reach:.3g}; expected those of the training shapes, '
                f'within {self.extent}: center and scale the cloud as the whole shape would be'
            )
        return points


def read_points(path: Any) -> Tensor:
    """Points ``(P, 3)`` float32 of a file.

    Raises:
        TypeError: Not a path.
        ValueError: The file is missing, cannot be read, or has no finite points.
    """
    if not isinstance(path, str | Path):
        raise TypeError(f'expected a point cloud file, got {type(path).__name__} {path!r:.80}')
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f'the cloud {path} does not exist; give a .ply, .xyz or .npz file')
    try:
        values = _read(path)
    except Exception as error:
        raise ValueError(f'{path} cannot be read as a point cloud: {error}') from error
    if values.ndim != 2 or values.shape[1] != 3 or not len(values) or values.dtype.kind not in 'fi':
        raise ValueError(f'{path} has {values.dtype} of shape {values.shape}; expected (P, 3)')
    if not np.isfinite(values).all():
        raise ValueError(f'{path} has coordinates that are not finite; leave these points out')
    return torch.from_numpy(values.astype(np.float32))


def _read(path: Path) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == '.npy':
        return np.load(path)
    if suffix == '.npz':
        with path.open('rb') as file, np.load(file) as arrays:
            if 'points' not in arrays.files:
                raise ValueError(f"it has no array 'points', but {arrays.files}")
            return arrays['points']
    import trimesh

    return np.asarray(trimesh.load_scene(path).to_geometry().vertices)
