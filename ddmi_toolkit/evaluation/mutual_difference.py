"""How different the shapes are that are generated for one condition."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..geometry.isosurface import check_resolution_and_threshold
from ..registry import METRICS
from ..structures import Field
from . import functional
from .meshing import sample_field_surface
from .protocol import Protocol, digest, sample_seed, seed_range

_DEFINITIONS = dict(
    chamfer='sum over k shapes of the mean Chamfer distance to the other k - 1 (Wu et al. 2020)',
    iou='mean over k shapes of the mean IoU with the other k - 1; lower is more diverse',
)


@METRICS.register_module()
class TotalMutualDifference(BaseMetric):
    """TMD: the diversity of ``k`` shapes of one condition, averaged over conditions.

    ``distance='chamfer'`` is the definition of Wu et al. (2020, "Multimodal shape completion via
    conditional generative adversarial networks") and of their code: the value ``tmd`` is the sum
    over the shapes of the mean distance to the others, on points of the surface; the distance is
    the mean squared distance to the nearest point, both ways, summed. More is more diverse. A
    field without a surface counts as a cloud whose points all lie at the origin.

    Text-to-shape papers report a TMD within [0, 1] and mark less as better, without a definition
    in DDMI (Table 7); that fits the overlap of the shapes. ``distance='iou'`` gives this as
    ``mutual_iou``, of the occupancy at the centers of a grid's cells: 1 for equal shapes.

    Args:
        num_shapes: ``k``, shapes of each condition (published: 10).
        distance: ``'chamfer'`` or ``'iou'``.
        num_points: Points per shape (published: 2048).
        resolution: Cells per axis of the meshes, or of the grid.
        threshold: Occupancy probability at the surface.
        by: What shapes must share to be of one condition: ``'cond'``, or a key of ``meta``.
        prefix: Replaces ``'diversity'`` in the names of the values.

    Raises:
        ValueError: An unknown distance, fewer than two shapes, or a resolution or threshold out of
            range.
    """

    default_prefix = 'diversity'
    READS_CONDITIONS: ClassVar[bool] = True

    def __init__(
        self,
        num_shapes: int = 10,
        distance: str = 'chamfer',
        num_points: int = 2048,
        resolution: int = 64,
        threshold: float = 0.5,
        by: str = 'cond',
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        if distance not in _DEFINITIONS:
            raise ValueError(f'distance={distance!r}; choose one of {sorted(_DEFINITIONS)}')
        if num_shapes < 2:
            raise ValueError(f'num_shapes={num_shapes}; shapes differ from others, ask for two')
        check_resolution_and_threshold(resolution, threshold)
        self.num_shapes, self.distance, self.by = num_shapes, distance, by
        self.num_points, self.resolution, self.threshold = num_points, resolution, threshold
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Keep each field's shape under the name of its condition."""
        conditions = condition_names(data_batch, len(data_samples), self.by)
        for i, sample in enumerate(data_samples):
            if sample.get('field') is None:
                raise ValueError(
                    f'TotalMutualDifference compares fields; the samples have {sorted(sample)}'
                )
            seed = sample_seed(data_batch, sample, i)
            shape, is_empty = self._shape(sample['field'], seed)
            self.results.append((conditions[i], seed, shape, is_empty))

    def _shape(self, field: Field, seed: int) -> tuple[np.ndarray, bool]:
        if self.distance == 'iou':
            inside = _occupancy(field, self.resolution, self.threshold)
            return np.packbits(inside), not inside.any()
        cloud, _ = sample_field_surface(
            field,
            self.num_points,
            resolution=self.resolution,
            threshold=self.threshold,
            seed=seed,
        )
        if not len(cloud):
            return np.zeros((self.num_points, 3), np.float32), True
        return cloud, False

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``tmd`` or ``mutual_iou``, and the share of ``empty`` fields.

        Raises:
            ValueError: A condition has more or fewer shapes than ``num_shapes``.
        """
        groups: dict[str, dict[int, np.ndarray]] = {}
        for name, seed, shape, _ in results:
            groups.setdefault(name, {})[seed] = shape
        sizes = {name: len(shapes) for name, shapes in groups.items()}
        if wrong := {name: n for name, n in sizes.items() if n != self.num_shapes}:
            name, num = next(iter(wrong.items()))
            raise ValueError(
                f'{len(wrong)} of {len(groups)} conditions do not have num_shapes='
                f'{self.num_shapes} shapes of different seeds, e.g. {name[:60]!r} has {num}; '
                f'repeat the conditions of the test data set that often'
            )
        self._measured = dict(
            num_conditions=len(groups),
            conditions=digest(*sorted(groups)),
            seeds=seed_range([seed for _, seed, _, _ in results]),
        )
        values = [self._difference(list(shapes.values())) for shapes in groups.values()]
        name = dict(chamfer='tmd', iou='mutual_iou')[self.distance]
        empty = float(np.mean([is_empty for *_, is_empty in results]))
        return {name: float(np.mean(values)), 'empty': empty}

    def _difference(self, shapes: list[np.ndarray]) -> float:
        if self.distance == 'chamfer':
            return total_mutual_difference(functional.pairwise_chamfer(shapes))
        inside = np.unpackbits(np.stack(shapes), axis=1, count=self.resolution**3).astype(bool)
        pairs = functional.iou(inside[:, None], inside[None])
        return total_mutual_difference(pairs - np.eye(len(pairs))) / len(pairs)

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        surface = dict(
            point_distance='mean squared nearest distances both ways, summed',
            num_points=self.num_points,
            empty_mesh='all points at the origin',
        )
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                definition=_DEFINITIONS[self.distance],
                num_shapes=self.num_shapes,
                by=self.by,
                **(surface if self.distance == 'chamfer' else {}),
                resolution=self.resolution,
                threshold=self.threshold,
                **self._measured,
            )
        }


def total_mutual_difference(distances: np.ndarray) -> float:
    """Sum over ``k`` shapes of the mean distance to the others; ``(k, k)``, 0 on the diagonal."""
    return float(distances.sum() / (len(distances) - 1))


def condition_names(data_batch: Mapping[str, Any] | None, count: int, by: str) -> list[str]:
    """What each sample of a batch was conditioned on, as text.

    Args:
        data_batch: The batch.
        count: Number of samples.
        by: ``'cond'``, or a key of ``meta``.

    Raises:
        ValueError: The batch does not have it.
    """
    batch = data_batch or {}
    values = batch.get('cond') if by == 'cond' else (batch.get('meta') or {}).get(by)
    if values is None or len(values) != count:
        place = "'cond'" if by == 'cond' else f'meta[{by!r}]'
        raise ValueError(
            f'the batch has no {place} for its {count} samples, it has {sorted(batch)} and meta '
            f'{sorted(batch.get("meta") or {})}; give the test data set conditions, e.g. '
            f"dict(type='SeedDataset', cond=[...])"
        )
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(value.item()) if value.ndim == 0 else digest(value.detach().cpu().numpy())
    return str(value)


@torch.no_grad()
def _occupancy(field: Field, resolution: int, threshold: float) -> np.ndarray:
    """Inside at the centers of the cells of a field's box, ``(R³,)`` bool."""
    values = field.render((resolution,) * 3)
    level = torch.logit(torch.tensor(threshold)).item()
    return (values > level).cpu().numpy().ravel()
