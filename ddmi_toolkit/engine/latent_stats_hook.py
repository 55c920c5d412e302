"""Measures the mean and scale of latents, so that stage 2 may standardize them."""

from typing import Any

import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from ..registry import HOOKS
from ..structures import DiagonalGaussian, Draw, PlaneLayout
from .loss_weight_hook import unwrap


@HOOKS.register_module()
class LatentStatsHook(Hook):
    """Writes ``latent_mean`` and ``latent_std`` ``(1, C, P)`` of a model that normalizes latents.

    Taken over the first items of the training data, one draw each, and exactly over the
    posterior: no noise is drawn. The buffers are saved with the weights; a resumed run keeps
    them. A model without ``normalize_latents`` is left alone.

    Args:
        num_samples: Items to measure, or all when there are fewer.
    """

    priority = 'ABOVE_NORMAL'  # after the cache is filled

    def __init__(self, num_samples: int = 1024) -> None:
        if num_samples < 1:
            raise ValueError(f'LatentStatsHook: num_samples must be positive, got {num_samples}')
        self.num_samples = num_samples

    def before_train(self, runner: Any) -> None:
        """Measure once, at the start of a new run."""
        model = unwrap(runner.model)
        if runner.iter > 0 or not getattr(model, 'normalize_latents', False):
            return
        loader = runner.train_dataloader
        count = min(self.num_samples, len(loader.dataset))
        reader = DataLoader(
            loader.dataset,
            batch_size=loader.batch_size,
            sampler=[Draw(i) for i in range(count)],
            num_workers=loader.num_workers,
            collate_fn=default_collate,
        )
        mean, std = self._measure(model, reader)
        model.latent_mean.copy_(mean)
        model.latent_std.copy_(std)
        for buffer in (model.latent_mean, model.latent_std):
            broadcast(buffer)
        print_log(
            f'latents of {count} samples: mean {float(mean.min()):.3g} to {float(mean.max()):.3g}, '
            f'std {float(std.min()):.3g} to {float(std.max()):.3g}',
            logger='current',
        )

    @torch.no_grad()
    def _measure(self, model: Any, reader: DataLoader) -> tuple[Tensor, Tensor]:
        first_stage = model.first_stage
        was_training = first_stage.training
        first_stage.eval()
        moments = []
        for batch in reader:
            if 'moments' in batch:
                moments.append(
                    latent_moments(DiagonalGaussian(batch['moments']), first_stage.layout)
                )
            else:
                inputs = model.data_preprocessor(dict(inputs=batch['inputs']), False)['inputs']
                moments.append(latent_moments(first_stage.encode(inputs), first_stage.layout))
        first_stage.train(was_training)
        first, second = torch.cat(moments, dim=1).mean(dim=1)  # each (C, P)
        std = (second - first**2).clamp_min(0).sqrt().clamp_min(1e-6)
        return first[None], std[None]


def latent_moments(posterior: DiagonalGaussian, layout: PlaneLayout) -> Tensor:
    """First and second moment of each sample's latent per channel and plane.

    Returns:
        float64 ``(2, B, C, P)``: the means over a plane of E[z] and E[z^2].
    """
    mean = posterior.mean.double()
    square = mean**2 + posterior.logvar.double().exp()
    return torch.stack(
        [
            torch.stack([p.flatten(2).mean(-1) for p in layout.split(z).values()], dim=-1)
            for z in (mean, square)
        ]
    )
