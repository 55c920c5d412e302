"""Fully connected layers whose weights depend on a style (StyleGAN2, Karras et al. 2020)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2


class Style(NamedTuple):
    """What modulates a network; the first dimension is the batch's, or 1 for a shared style.

    Args:
        vector: ``(B, C_style)``, mapped to a factor per input channel in every layer.
        constants: ``(B, K)``, inputs that are the same for all queries of a sample.
    """

    vector: Tensor
    constants: Tensor


class ModulatedLinear(nn.Module):
    """Linear layer whose weights are scaled per sample and input channel.

    ``w'_oi = w_oi s_i / |w_o s|`` with ``s`` a linear function of the style that starts near 1
    (StyleGAN2, Eq. 1 and 3). Modulation acts on the weights, not on the features, so the work
    per query is that of a plain linear layer.

    Args:
        in_channels: Channels of the input, constants included.
        out_channels: Channels of the output.
        style_channels: Channels of the style.
        demodulate: Whether weights are normalized per output channel.
        num_constants: How many of the input channels are the style's constants (the last ones).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style_channels: int,
        demodulate: bool = True,
        num_constants: int = 0,
    ) -> None:
        super().__init__()
        self.demodulate, self.num_constants = demodulate, num_constants
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels) / math.sqrt(in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.modulation = nn.Linear(style_channels, in_channels)
        nn.init.normal_(self.modulation.weight, std=1 / math.sqrt(style_channels))
        nn.init.ones_(self.modulation.bias)

    def fold(self, style: Style, gain: float = 1.0) -> tuple[Tensor, Tensor]:
        """The plain linear layer that this is for a style.

        Args:
            style: Style of the batch, or of all its samples.
            gain: Factor of the output.

        Returns:
            Weight ``(B, in - K, out)`` and bias ``(B, 1, out)``, which holds the constants' part.
        """
        with torch.autocast(self.weight.device.type, enabled=False):
            factors = self.modulation(style.vector)  # (B, in)
            weight = self.weight * factors[:, None]  # (B, out, in)
            if self.demodulate:
                weight = weight * (weight.square().sum(-1, keepdim=True) + 1e-8).rsqrt()
            return _split(weight * gain, self.bias * gain, style.constants, self.num_constants)


class AbstractStyledBlock(nn.Module, ABC):
    """A block whose weights depend on a style.

    ``__init__`` may name ``in_channels``, ``out_channels``, ``style_channels`` and
    ``num_constants``: the read-out offers them.
    """

    @abstractmethod
    def forward(self, parts: Sequence[Tensor], style: Style) -> Tensor:
        """Input channels in parts ``(B, *S, C_i)`` to ``(B, *S, C_out)``."""


class StyledBlock(AbstractStyledBlock):
    """Three modulated layers and a shortcut: the published read-out block of images.

    ``(shortcut(x) + f3(f2(f1(x)))) / sqrt(2)`` with ``f(x) = sqrt(2) lrelu(W(style) x + b)``.
    Parameters hold effective weights; the published ones are equalized, i.e. larger by the square
    root of their inputs.

    Args:
        in_channels: Channels of the input, without constants.
        out_channels: Channels of the output.
        style_channels: Channels of the style.
        num_constants: Constants of the style that join the input.
        noise: ``'none'``, or ``'training'`` to add learned multiples of fresh normal noise to every
            query in training mode, as published. The published code adds it in evaluation too,
            which makes a field no function of its coordinates; we never do.

    Raises:
        ValueError: Another ``noise``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style_channels: int,
        num_constants: int = 0,
        noise: str = 'none',
    ) -> None:
        super().__init__()
        if noise not in ('none', 'training'):
            raise ValueError(f"noise must be 'none' or 'training', got {noise!r}")
        self.num_constants = num_constants
        total = in_channels + num_constants
        self.layers = nn.ModuleList(
            ModulatedLinear(
                out_channels if i else total,
                out_channels,
                style_channels,
                num_constants=0 if i else num_constants,
            )
            for i in range(3)
        )
        self.noise = nn.Parameter(torch.zeros(3)) if noise == 'training' else None
        self.shortcut = None
        if num_constants or in_channels != out_channels:
            self.shortcut = nn.Linear(total, out_channels, bias=False)
            nn.init.normal_(self.shortcut.weight, std=1 / math.sqrt(total))

    def forward(self, parts: Sequence[Tensor], style: Style) -> Tensor:
        """Input channels in parts ``(B, *S, C_i)`` to ``(B, *S, C_out)``."""
        queries = parts[0].shape[1:-1]
        parts = [x.flatten(1, -2) for x in parts]  # (B, Q, C_i), views of channels-first lookups
        h: Sequence[Tensor] = parts
        for i, layer in enumerate(self.layers):
            # The activations' factor sqrt(2) commutes with lrelu; the shortcut's cancels the last.
            weight, bias = layer.fold(style, gain=1.0 if i == 2 else math.sqrt(2))
            x = affine(h, weight, bias)
            if self.noise is not None and self.training:
                x = x + self._gained_noise(i, x)
            h = [F.leaky_relu(x, SLOPE, inplace=True)]
        return self._add_shortcut(h[0], parts, style).unflatten(1, queries)

    def _add_shortcut(self, h: Tensor, parts: Sequence[Tensor], style: Style) -> Tensor:
        if self.shortcut is None:
            return torch.add(h, parts[0], alpha=math.sqrt(0.5))
        weight = self.shortcut.weight[None] * math.sqrt(0.5)
        weight, bias = _split(
            weight, weight.new_zeros(weight.shape[1]), style.constants, self.num_constants
        )
        return affine(parts, weight, bias).add_(h)

    def _gained_noise(self, i: int, x: Tensor) -> Tensor:
        gain = self.noise[i] * (1.0 if i == 2 else math.sqrt(2))
        return gain * torch.randn_like(x[..., :1])


def affine(parts: Sequence[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
    """Product with the channels of all parts, which are never copied side by side.

    Args:
        parts: ``(B, Q, C_i)``; also channels-first memory is read as it lies.
        weight: ``(B, sum of C_i, C_out)`` or ``(1, ...)``.
        bias: ``(B, 1, C_out)`` or ``(1, 1, C_out)``.

    Returns:
        ``(B, Q, C_out)``.
    """
    batch_size = parts[0].shape[0]
    weights = weight.split([x.shape[-1] for x in parts], dim=1)
    weights = [w.expand(batch_size, -1, -1) for w in weights]
    out = torch.baddbmm(bias, parts[0], weights[0])
    for x, w in zip(parts[1:], weights[1:], strict=True):
        out.baddbmm_(x.to(out.dtype), w.to(out.dtype))  # in place, autocast leaves dtypes alone
    return out


def _split(
    weight: Tensor, bias: Tensor, constants: Tensor, num_constants: int
) -> tuple[Tensor, Tensor]:
    """Weight ``(B, out, in)`` to that of the queries and a bias that holds the constants' part."""
    size = weight.shape[-1] - num_constants
    own, rest = weight.split([size, num_constants], dim=-1)
    bias = bias[None]
    if num_constants:
        bias = bias + (rest * constants[:, None]).sum(-1)  # (B, out)
    return own.transpose(1, 2), bias[:, None]
