"""Draws that depend on seeds alone: not on workers, processes, batch size or global state."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Draw:
    """What a training sampler hands to a dataset in place of a plain index.

    Args:
        index: Which item.
        visit: How many times the run has visited this item before.
        seed: Seed of the run.
    """

    index: int
    visit: int = 0
    seed: int = 0


def mix_seed(*parts: int) -> int:
    """Hash integers to a 63-bit seed (splitmix64 chain); any changed part changes all bits."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) & _MASK
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generators(seeds: Tensor | Sequence[int], stream: str) -> list[torch.Generator]:
    """One CPU generator per sample.

    Args:
        seeds: ``(B,)`` integers.
        stream: Name of what is drawn, so that one seed serves independent draws.
    """
    tag = int.from_bytes(stream.encode()[:8].ljust(8, b'\0'), 'big')
    values = seeds.tolist() if isinstance(seeds, Tensor) else seeds
    return [torch.Generator().manual_seed(mix_seed(int(s), tag)) for s in values]


def seeded_normal(
    seeds: Tensor | Sequence[int],
    shape: Sequence[int],
    stream: str,
    device: torch.device | str = 'cpu',
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Standard normal draws ``(B, *shape)``, row ``i`` a function of ``seeds[i]`` and ``stream``.

    Drawn on the CPU in float32, so that the same seed gives the same sample on every device.
    """
    rows = [torch.randn(tuple(shape), generator=g) for g in generators(seeds, stream)]
    return torch.stack(rows).to(device=device, dtype=dtype)


def seeded_uniform(
    seeds: Tensor | Sequence[int],
    stream: str,
    device: torch.device | str = 'cpu',
    shape: Sequence[int] = (),
) -> Tensor:
    """Uniform draws in [0, 1), float64 ``(B, *shape)``, row ``i`` a function of ``seeds[i]``."""
    size = tuple(shape)
    rows = [torch.rand(size, generator=g, dtype=torch.float64) for g in generators(seeds, stream)]
    return torch.stack(rows).to(device)
