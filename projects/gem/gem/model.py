"""The auto-decoder, its losses, and samples between neighbors."""

from typing import Any

import torch
from torch import Tensor, nn

from ddmi_toolkit.models import AbstractFirstStage
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import DiagonalGaussian, observed_values, seeded_uniform

from .distances import AbstractSignalDistance
from .manifold import barycentric_weights, nearest

INITIAL_STD = 0.01  # of latents, as in the authors' code
LOG_VARIANCE = -30.0  # as small as a posterior's may be: latents are found, not drawn


@MODELS.register_module()
class GEM(AbstractFirstStage):
    """Generative manifold learning (Du et al. 2021, "Learning Signal-Agnostic Manifolds ...").

    Every training item has a latent, learned with the weights. Three losses shape the manifold:
    each field agrees with its item (reconstruction); so does the field of the combination of
    neighboring latents that comes closest to the item's (locally linear embedding); and distances
    between latents are proportional to those between signals that are close (local isometry).

    A sample lies on the line between a training latent and one of its neighbors. Items that were
    not trained on are encoded by a search for the latent that explains them.

    Args:
        layout: Arguments of :class:`PlaneLayout`; the latent is one vector.
        latent_channels: Channels ``C`` of the latent (published: 1024).
        num_items: Length of the training set.
        generator: Config of a generator; published: a hypernetwork of gates of low rank.
        renderer: Config of a renderer.
        losses: Name and config of each loss that compares values.
        distance: Config of an :class:`AbstractSignalDistance`.
        manifold: Numbers of the losses, see :data:`MANIFOLD`.
        search: ``dict(num_steps, lr)`` of Adam's search for latents of other items.
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: Not more items than neighbors, or an unknown number in ``manifold`` or
            ``search``.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        latent_channels: int,
        num_items: int,
        generator: dict[str, Any],
        renderer: dict[str, Any],
        losses: dict[str, dict[str, Any]],
        distance: dict[str, Any],
        manifold: dict[str, float] | None = None,
        search: dict[str, float] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(layout, latent_channels, data_preprocessor)
        self.manifold = _known('manifold', MANIFOLD, manifold)
        self.search_options = _known('search', SEARCH, search)
        if num_items <= self.manifold['num_neighbors']:
            raise ValueError(
                f'num_items={num_items} must be the length of the training set, and more than '
                f'manifold.num_neighbors={self.manifold["num_neighbors"]}'
            )
        self.latents = nn.Embedding(num_items, latent_channels * self.layout.num_tokens())
        nn.init.normal_(self.latents.weight, std=INITIAL_STD)
        self.log_scale = nn.Parameter(torch.tensor(float(self.manifold['scale'])).log())
        self.build_decoder(generator, renderer, losses)
        self.distance = MODELS.build(distance, role=AbstractSignalDistance)

    def extra_repr(self) -> str:
        """What latents of other items depend on beside weights."""
        return f'search={self.search_options}'

    def encode(self, inputs: Any) -> DiagonalGaussian:
        """Latents without uncertainty: those of training items, or found by a search.

        Args:
            inputs: Numbers of training items ``(B,)``, or observed values, see
                :func:`observed_values`.
        """
        if isinstance(inputs, Tensor) and inputs.ndim == 1:
            z = self._unflatten(self._latents_of(inputs))
        else:
            z = self.search(*observed_values(inputs, self.layout))
        return DiagonalGaussian(torch.cat([z, torch.full_like(z, LOG_VARIANCE)], dim=1))

    def prior(self, seeds: Tensor) -> Tensor:
        """Places on the lines from training latents to their neighbors, ``(B, C, N)``.

        Item, neighbor and place are uniform draws; row ``i`` depends on ``seeds[i]`` alone.
        """
        weight, count = self.latents.weight, self.manifold['num_neighbors']
        draws = seeded_uniform(seeds, 'sample', weight.device, (3,))
        one = weight[(draws[:, 0] * len(weight)).long()]
        choice = (draws[:, 1:2] * count).long()
        other = weight[nearest(one, weight, count).gather(1, choice)[:, 0]]
        return self._unflatten(torch.lerp(one, other, draws[:, 2:].to(one.dtype)))

    def search(self, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """Latents ``(B, C, N)`` whose fields explain values best, by Adam from the mean latent.

        The items of a batch do not depend on each other.

        Args:
            query: Places, as the renderer takes them.
            target: Values there ``(B, *S, C)``.
        """
        mean = self.latents.weight.detach().mean(0)
        z = self._unflatten(mean.expand(len(target), -1)).clone().requires_grad_()
        num_steps = self.search_options['num_steps']
        optimizer = torch.optim.Adam([z], lr=self.search_options['lr'])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
        for _ in range(num_steps):
            with torch.enable_grad():
                losses = self.compare(self.render(self.decode(z), query), target, query)
                # Times B: a loss is a mean over the batch, and Adam's epsilon has a size.
                (z.grad,) = torch.autograd.grad(len(z) * sum(losses.values()), z)
            optimizer.step()
            schedule.step()
        return z.detach()

    def forward(
        self,
        inputs: Any = None,
        query: dict[str, Tensor] | None = None,
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """Losses of training items, reconstructions, or fields generated from seeds.

        Args:
            inputs: As :meth:`encode` takes them, in training the items' numbers; None generates.
            query: Where to evaluate; generated fields need none.
            target: Observed values ``(B, *S, C)``.
            cond: Unused.
            seed: ``(B,)`` of what is generated; training draws nothing.
            meta: Read by metrics only.
            mode: ``'loss'`` or ``'predict'``.

        Returns:
            Loss terms by name, or one dictionary per sample: ``dict(pred, target, field)``, of
            generated fields ``dict(seed, field, pred)``.
        """
        if mode == 'loss':
            return self._losses(inputs, query, target)
        if inputs is not None:
            return self.predictions(self.decode(self.encode(inputs).mean), query, target)
        field = self.decode(self.prior(seed))
        pred = [None] * len(seed) if query is None else self.render(field, query)
        return [dict(seed=int(s), field=field[i], pred=pred[i]) for i, s in enumerate(seed)]

    def _losses(self, index: Tensor, query: dict[str, Tensor], target: Tensor) -> dict[str, Tensor]:
        numbers, weight = self.manifold, self.latents.weight
        z = self._latents_of(index)  # (B, C * N)
        neighbors = weight[nearest(z, weight, numbers['num_neighbors'])]  # (B, K, C * N)
        shares = barycentric_weights(z, neighbors)
        combined = (shares[..., None] * neighbors).sum(1)
        field = self.decode(self._unflatten(torch.cat([z, combined])))
        twice = {k: torch.cat([v, v]) for k, v in query.items()}
        pred, linear = self.render(field, twice).chunk(2)
        losses = self.compare(pred, target, query)
        for name, loss in self.compare(linear, target, query).items():
            losses[f'{name}_linear'] = numbers['linear_weight'] * loss
        outside = shares.neg().clamp_min(0).mean()
        losses['loss_outside'] = numbers['outside_weight'] * outside
        losses['loss_isometry'] = numbers['isometry_weight'] * self._isometry(z, query, target)
        return losses

    def _isometry(self, z: Tensor, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """Mean ``|scale * mean square of z_i - z_j  -  d(x_i, x_j)|`` of the closest pairs."""
        i, j = torch.triu_indices(len(z), len(z), 1, device=z.device)
        if not len(i):
            return z.sum() * 0
        wanted = self.distance(query, target)[i, j]
        wanted, order = wanted.topk(min(self.manifold['num_pairs'], len(i)), largest=False)
        found = self.log_scale.exp() * (z[i[order]] - z[j[order]]).square().mean(1)
        is_finite = wanted.isfinite()
        return torch.where(is_finite, found - wanted.masked_fill(~is_finite, 0), 0).abs().mean()

    def _latents_of(self, index: Tensor) -> Tensor:
        count = self.latents.num_embeddings
        if index.is_floating_point() or int(index.max()) >= count:
            raise ValueError(
                f'inputs {index.tolist()[:4]} are no numbers of the {count} training items; end '
                f"the training's pipeline with dict(type='ItemIndex') and set model.num_items to "
                f'the length of the training set'
            )
        return self.latents(index)

    def _unflatten(self, z: Tensor) -> Tensor:
        return z.unflatten(1, self.latent_shape)


MANIFOLD = dict(
    num_neighbors=10,
    linear_weight=1.0,
    outside_weight=1.0,
    isometry_weight=1.0,
    num_pairs=32,
    scale=100.0,
)
"""Neighbors that span the manifold; weights of the losses (of the field of combined neighbors, of
negative shares of neighbors, of the isometry); pairs of a batch that are close; and the first value
of the learned factor between both distances. Values of the authors' code."""

SEARCH = dict(num_steps=200, lr=0.01)
"""Ours: the authors' code does not say."""


def _known(name: str, defaults: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """``given`` over defaults."""
    if unknown := sorted(set(given or {}) - set(defaults)):
        raise ValueError(f'{name} has no {unknown}; it takes {sorted(defaults)}')
    return {**defaults, **(given or {})}
