"""Names of the convolutional parts that the published autoencoders share."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Weights = dict[str, Tensor]
"""By name. Maps take what they know out of one such dictionary and put it into another."""


def refuse_attention(dd: Mapping[str, Any], kind: str = 'vanilla') -> None:
    """Raise unless attention is in the middle block only, as in all published autoencoders.

    Args:
        dd: Published settings of the autoencoder.
        kind: Published name of that attention.
    """
    if dd['attn_resolutions'] or dd['attn_type'] != kind:
        raise ValueError(
            f'attn_resolutions={dd["attn_resolutions"]}, attn_type={dd["attn_type"]!r}: expected '
            f'[] and {kind!r} (attention in the middle block only), as in all published models'
        )


def require_empty(left: Weights, what: str) -> None:
    """Raise when weights are left that no map knows."""
    if left:
        raise ValueError(
            f'{len(left)} weights have no counterpart, e.g. {sorted(left)[:5]}; is this a '
            f'published {what}?'
        )


def move(left: Weights, state: Weights, old: str, new: str) -> None:
    """Rename a module's weight and bias, as far as it has them."""
    for name in ('weight', 'bias'):
        if f'{old}.{name}' in left:
            state[f'{new}.{name}'] = left.pop(f'{old}.{name}')


def map_encoder(
    left: Weights, state: Weights, num_levels: int, old: str, quant: Mapping[str, str]
) -> None:
    """The encoder of planes.

    Args:
        left: Published weights; those that are known are taken out.
        state: Ours; they are put in.
        num_levels: Levels of resolution.
        old: Published name of the encoder.
        quant: Published name of each plane's last 1x1 convolution.
    """
    new = 'encoder.cnn'
    move(left, state, f'{old}.conv_in', f'{new}.conv_in.module')
    for i in range(num_levels):
        _level(left, state, f'{old}.down.{i}', f'{new}.levels.{i}')
        move(left, state, f'{old}.down.{i}.downsample.conv', f'{new}.downs.{i}.module.conv')
    _middle(left, state, old, new)
    move(left, state, f'{old}.norm_out', f'{new}.norm_out.module.0')
    move(left, state, f'{old}.conv_out', f'{new}.conv_out.module')
    for plane, name in quant.items():
        move(left, state, name, f'{new}.quant.{plane}')


def map_decoder(
    left: Weights, state: Weights, num_levels: int, old: str, post_quant: Mapping[str, str]
) -> None:
    """The decoder of planes; arguments as of :func:`map_encoder`."""
    new = 'generator.decoder'
    for plane, name in post_quant.items():
        move(left, state, name, f'{new}.post_quant.{plane}')
    move(left, state, f'{old}.conv_in', f'{new}.conv_in.module')
    _middle(left, state, old, new)
    for i in range(num_levels):
        stride = 2**i
        _level(left, state, f'{old}.up.{i}', f'{new}.levels.{stride}')
        # The published level ends with the enlargement to the next finer one; ours begins with it.
        finer = f'{new}.levels.{stride // 2}.up.module.conv'
        move(left, state, f'{old}.up.{i}.upsample.conv', finer)
        move(left, state, f'{old}.up.{i}.hdbf.0', f'{new}.heads.{stride}.module')
    move(left, state, f'{old}.norm_out', f'{new}.heads.1.module.0')
    move(left, state, f'{old}.conv_out', f'{new}.heads.1.module.2')


def _res_block(left: Weights, state: Weights, old: str, new: str) -> None:
    for part in ('norm1', 'conv1', 'norm2', 'conv2'):
        move(left, state, f'{old}.{part}', f'{new}.{part}')
    move(left, state, f'{old}.nin_shortcut', f'{new}.shortcut')


def _attention(left: Weights, state: Weights, old: str, new: str) -> None:
    """1x1 convolutions q, k, v become one 1-D convolution."""
    move(left, state, f'{old}.norm', f'{new}.norm')
    for name in ('weight', 'bias'):
        qkv = [left.pop(f'{old}.{x}.{name}') for x in 'qkv']
        state[f'{new}.qkv.{name}'] = torch.cat([x.flatten(2) if x.ndim > 1 else x for x in qkv])
    state[f'{new}.proj.weight'] = left.pop(f'{old}.proj_out.weight').flatten(2)
    state[f'{new}.proj.bias'] = left.pop(f'{old}.proj_out.bias')


def _mix(left: Weights, state: Weights, old: tuple[str, str, str], new: str) -> None:
    """The exchange between planes, where there is any.

    Residual block, attention, residual block on the stacked planes, or one attention over all
    tokens (video), whose place in the published lists differs between the middle and the levels.
    """
    if f'{old[0]}.conv1.weight' in left:
        _res_block(left, state, old[0], f'{new}.block1')
        _attention(left, state, old[1], f'{new}.attention.tokens')
        _res_block(left, state, old[2], f'{new}.block2')
        return
    for name in old:
        if f'{name}.q.weight' in left:
            _attention(left, state, name, f'{new}.attention')


def _level(left: Weights, state: Weights, old: str, new: str) -> None:
    i = 0
    while f'{old}.block.{i}.conv1.weight' in left:
        _res_block(left, state, f'{old}.block.{i}', f'{new}.blocks.module.{i}')
        i += 1
    _mix(left, state, tuple(f'{old}.inter_attn.{i}' for i in range(3)), f'{new}.mix')


def _middle(left: Weights, state: Weights, old: str, new: str) -> None:
    _res_block(left, state, f'{old}.mid.block_1', f'{new}.mid.module.0')
    _attention(left, state, f'{old}.mid.attn_1', f'{new}.mid.module.1.tokens')
    _res_block(left, state, f'{old}.mid.block_2', f'{new}.mid.module.2')
    names = (f'{old}.mid.block_3', f'{old}.mid_attn', f'{old}.mid.block_4')
    _mix(left, state, names, f'{new}.mid_mix')
