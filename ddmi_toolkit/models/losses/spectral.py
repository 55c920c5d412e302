"""Spectral regularization of convolutions (NVAE, Vahdat and Kautz 2020)."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.attention import SpatialAttention, TokenAttention
from ...registry import MODELS
from .base import AbstractRegularizer

KINDS = ('conv', 'spatial_attention', 'joint_attention', 'linear')


@MODELS.register_module()
class SpectralRegularizer(AbstractRegularizer):
    """Sum of the layers' largest singular values and of the norms' largest gains.

    Singular values come from power iteration that continues from call to call; its vectors are
    buffers, created by :meth:`attach`, so that a resumed run continues it exactly. Weights of
    equal shape are iterated together. Needs no random state and no particular device.

    Args:
        weight: Factor, a plain number that ``LossWeightHook`` may move.
        kinds: What is regularized, of ``'conv'`` (2-D convolutions), ``'spatial_attention'``
            (projections of attention within a plane: query, key, value and output count as 1x1
            convolutions), ``'joint_attention'`` (those across planes) and ``'linear'``. The
            default is the published set.
        num_iterations: Power iterations per training step.
        num_first_iterations: Power iterations of the first training step.

    Raises:
        ValueError: An unknown kind.
    """

    def __init__(
        self,
        weight: float = 0.1,
        kinds: Sequence[str] = ('conv', 'spatial_attention'),
        num_iterations: int = 4,
        num_first_iterations: int = 40,
    ) -> None:
        super().__init__()
        if unknown := sorted(set(kinds) - set(KINDS)):
            raise ValueError(f'kinds has {unknown}; choose of {list(KINDS)}')
        self.weight, self.kinds = weight, tuple(kinds)
        self.num_iterations, self.num_first_iterations = num_iterations, num_first_iterations
        self.register_buffer('is_warm', torch.zeros((), dtype=torch.bool))

    def attach(self, modules: Iterable[nn.Module]) -> 'SpectralRegularizer':
        """Create the buffers of the power iteration for the weights of some modules."""
        generator = torch.Generator().manual_seed(0)
        for key, stack in self._stacks(modules).items():
            for name, size in (('u', stack[0].shape[0]), ('v', stack[0].shape[1])):
                start = torch.randn(len(stack), size, generator=generator, device='cpu')
                start = F.normalize(start, dim=1).to(stack[0].device)
                self.register_buffer(f'{name}_{key}', start)
        return self

    def forward(self, modules: Iterable[nn.Module]) -> Tensor:
        """Weighted penalty of the modules that the regularizer was attached to.

        Raises:
            RuntimeError: It was attached to other modules, or to none.
        """
        modules = list(modules)
        stacks = self._stacks(modules)
        ours = {k: len(self.get_buffer(f'u_{k}')) for k in self._keys()}
        if {k: len(v) for k, v in stacks.items()} != ours:
            raise RuntimeError(
                'the regularizer is attached to other weights than it was called with; '
                'call attach(modules) once after building them'
            )
        with torch.autocast(next(modules[0].parameters()).device.type, enabled=False):
            total = sum(self._largest(key, torch.stack(w)) for key, w in stacks.items())
            total = total + sum(g.abs().max() for g in self._gains(modules))
        if self.training:
            self.is_warm.fill_(True)
        return self.weight * total

    def _keys(self) -> list[str]:
        return [name[2:] for name, _ in self.named_buffers() if name.startswith('u_')]

    def _largest(self, key: str, weights: Tensor) -> Tensor:
        """Sum of the top singular values of ``(n, out, in)``; gradient through u W v only."""
        u, v = self.get_buffer(f'u_{key}'), self.get_buffer(f'v_{key}')
        if self.training:
            with torch.no_grad():
                steps = self.num_iterations if self.is_warm else self.num_first_iterations
                for _ in range(steps):
                    v.copy_(F.normalize(torch.einsum('no,noi->ni', u, weights), dim=1))
                    u.copy_(F.normalize(torch.einsum('noi,ni->no', weights, v), dim=1))
        return torch.einsum('no,noi,ni->', u.clone(), weights, v.clone())

    def _stacks(self, modules: Iterable[nn.Module]) -> dict[str, list[Tensor]]:
        """Weights as matrices ``(out, in)``, grouped by shape, in the order of the modules."""
        stacks: dict[str, list[Tensor]] = {}
        for matrix in self._matrices(modules):
            stacks.setdefault('{}x{}'.format(*matrix.shape), []).append(matrix)
        return stacks

    def _matrices(self, modules: Iterable[nn.Module]) -> Iterable[Tensor]:
        spatial: set[nn.Module] = set()
        for module in (m for root in modules for m in root.modules()):
            if isinstance(module, SpatialAttention):
                spatial.add(module.tokens)
            elif isinstance(module, TokenAttention):
                kind = 'spatial_attention' if module in spatial else 'joint_attention'
                if kind in self.kinds:
                    yield from module.qkv.weight.flatten(1).chunk(3)
                    yield module.proj.weight.flatten(1)
            elif (isinstance(module, nn.Conv2d) and 'conv' in self.kinds) or (
                isinstance(module, nn.Linear) and 'linear' in self.kinds
            ):
                yield module.weight.flatten(1)

    @staticmethod
    def _gains(modules: Iterable[nn.Module]) -> Iterable[Tensor]:
        for module in (m for root in modules for m in root.modules()):
            if isinstance(module, nn.GroupNorm):
                yield module.weight
