"""How well radiance fields know where surfaces are, where that is known."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..layers.ray_marching import render_rays
from ..registry import METRICS
from .protocol import Protocol, digest, sample_names

IS_HIT = 0.5  # opacity


@METRICS.register_module()
class DepthError(BaseMetric):
    """Error of the expected depth along the rays of given views, and overlap of silhouettes.

    The depth of a ray is the distance along its unit direction at which it is expected to be
    absorbed, given that it is. A ray counts as absorbed where its opacity exceeds 0.5. Errors are
    of the rays that are absorbed in truth and in the rendering: ``abs_rel`` is the mean of
    ``|d - d*| / d*``, ``rmse`` the root of the mean of ``(d - d*)^2`` in data units;
    ``compared`` is the share of the truly absorbed rays that these are, and ``silhouette_iou``
    the intersection over union of both sets of rays. Each is averaged over the scenes, the errors
    over those where rays are compared.

    Reads ``query['origins']`` and ``query['dirs']``, ``(B, V, h, w, 3)``, and ``meta['depth']``,
    ``(B, V, h, w)`` with infinity where nothing is hit, of the batch, and the ``field`` of each
    sample.

    Args:
        num_samples: Even samples per ray, as the model's renderer takes them.
        num_importance: Further samples per ray where these absorb.
        prefix: Replaces ``'depth'`` in the names of the values.
    """

    default_prefix = 'depth'

    def __init__(
        self, num_samples: int = 64, num_importance: int = 64, prefix: str | None = None
    ) -> None:
        super().__init__(prefix=prefix)
        self.counts = dict(num_samples=num_samples, num_importance=num_importance)
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Render the depth of each sample's field and compare."""
        origins, dirs, depth = _rays_and_depth(data_batch)
        names = sample_names(data_batch, len(data_samples))
        for i, sample in enumerate(data_samples):
            if sample.get('field') is None:
                raise ValueError('DepthError renders fields; the model gave none')
            with torch.no_grad():
                rays = (x[i : i + 1] for x in (origins, dirs))
                rendered = render_rays(sample['field'], *rays, **self.counts)
            expected, opacity = rendered.depth[0], rendered.opacity[0]
            scores = depth_scores(expected, opacity, depth[i].to(expected.device))
            self.results.append((names[i], tuple(depth[i].shape), scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means over the scenes."""
        names, shapes, scores = zip(*results, strict=True)
        self._measured = dict(
            scenes=digest(*sorted(names)), num_scenes=len(names), largest_target=max(shapes)
        )
        return {k: torch.tensor([s[k] for s in scores]).nanmean().item() for k in scores[0]}

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                **self.counts,
                is_hit=f'opacity > {IS_HIT}',
                compared='rays that are absorbed in truth and in the rendering',
                **self._measured,
            )
        }


def depth_scores(expected: Tensor, opacity: Tensor, truth: Tensor) -> dict[str, float]:
    """The values of one scene.

    Args:
        expected: Depth of absorbed rays, any shape.
        opacity: Share of a ray that is absorbed, same shape.
        truth: Depth, infinite where nothing is hit, same shape.

    Returns:
        By name; the errors are not a number where no ray is absorbed in both, ``compared`` where
        none is in truth.
    """
    found, is_solid = opacity > IS_HIT, truth.isfinite()
    both = found & is_solid
    error = (expected.double() - truth.double())[both].abs()
    union = int((found | is_solid).sum())
    return dict(
        abs_rel=float((error / truth[both].double()).mean()),
        rmse=float(error.square().mean().sqrt()),
        compared=float(both.sum() / is_solid.sum()),
        silhouette_iou=int(both.sum()) / union if union else 1.0,
    )


def _rays_and_depth(data_batch: Mapping[str, Any] | None) -> tuple[Tensor, Tensor, Tensor]:
    query, meta = ((data_batch or {}).get(k) or {} for k in ('query', 'meta'))
    if missing := sorted({'origins', 'dirs'} - set(query)):
        raise ValueError(
            f'DepthError needs the rays of views; query has {sorted(query)}, no {missing}'
        )
    if meta.get('depth') is None:
        raise ValueError(
            f"DepthError needs meta['depth'], the distance along each ray; the batch's meta has "
            f'{sorted(meta)}. Evaluate on a set whose depth is known'
        )
    depth = torch.as_tensor(meta['depth'])
    if depth.shape != query['origins'].shape[:-1]:
        raise ValueError(
            f"meta['depth'] has shape {tuple(depth.shape)}, query['origins'] "
            f'{tuple(query["origins"].shape)}; expected one depth per ray'
        )
    return query['origins'], query['dirs'], depth
