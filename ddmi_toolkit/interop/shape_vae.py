"""Published shape autoencoders: their configuration and weights as ours.

A published checkpoint holds three modules, ``pointnet`` (point encoder), ``vaemodel`` (planes) and
``mlp`` (read-out); here the first and half of the second are the encoder, the rest is the
generator. Our modules stack planes in the order xy, yz, xz, as the published ones do internally.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

PLANES = ('xy', 'yz', 'xz')
LATENT_ORDER = ('xy', 'xz', 'yz')
"""Order in which the published second stage stacks the latent planes on channels."""


def published_config(meta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Our configuration of a published shape autoencoder.

    Args:
        meta: Published settings: ``ddconfig``, ``embed_dim``, ``mlpconfig`` and ``pointnet``.

    Returns:
        ``layout``, ``latent_channels``, ``encoder`` and ``generator`` of a ``D2CVAE``.

    Raises:
        ValueError: A setting that no published checkpoint uses and we have no counterpart for.
    """
    dd, mlp, points = meta['ddconfig'], meta['mlpconfig'], meta['pointnet']
    if dd['attn_resolutions'] or dd['attn_type'] != 'vanilla':
        raise ValueError(
            f'attn_resolutions={dd["attn_resolutions"]}, attn_type={dd["attn_type"]!r}: expected '
            f"[] and 'vanilla' (attention in the middle block only), as in all published shapes"
        )
    size = dd['resolution']
    half = _half_width(points)
    shared = dict(
        base_channels=dd['ch'],
        channel_mult=list(dd['ch_mult']),
        z_channels=dd['z_channels'],
        mix=dict(type='channel', strides=[size // r for r in dd['inter_attn_resolutions']]),
    )
    return dict(
        layout=dict(
            axes=[dict(name=a, size=size, low=-half, high=half) for a in 'xyz'],
            planes=list(PLANES),
            latent_stride=2 ** (len(dd['ch_mult']) - 1),
            align_corners=True,
        ),
        latent_channels=meta['embed_dim'],
        encoder=dict(
            type='PointPlaneEncoder',
            in_channels=points['dim'],
            hidden_channels=points['hidden_dim'],
            point_channels=points['c_dim'],
            num_blocks=points['n_blocks'],
            num_res_blocks=dd['num_res_blocks'],
            **shared,
        ),
        generator=_generator_config(dd, mlp, shared),
    )


def _generator_config(
    dd: Mapping[str, Any], mlp: Mapping[str, Any], shared: Mapping[str, Any]
) -> dict[str, Any]:
    strides = {dd['resolution'] // r for r in dd['hdbf_resolutions']} | {1}
    return dict(
        type='PEGenerator',
        reduce='sum',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=dd['out_ch'],
            strides=sorted(strides, reverse=True),
            num_res_blocks=dd['num_res_blocks'] + 1,
            **shared,
        ),
        readout=dict(
            type='CFCReadout',
            width=mlp['ch'],
            coordinates='linear',
            head=dict(type='LinearHead', out_channels=mlp['out_ch']),
        ),
    )


def _half_width(points: Mapping[str, Any]) -> float:
    """Half of the box that the published lookup covers: it divides by 1 + padding + 1e-5."""
    return (1 + points['padding'] + 1e-5) / 2


def convert_state(weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> dict[str, Tensor]:
    """Published weights under our names.

    Args:
        weights: Tensors named ``pointnet.*``, ``vaemodel.*`` and ``mlp.*``.
        meta: Published settings, see :func:`published_config`.

    Returns:
        State of a ``D2CVAE``: ``encoder.*`` and ``generator.*``.

    Raises:
        ValueError: Weights that have no counterpart here.
    """
    left = dict(weights)
    num_levels = len(meta['ddconfig']['ch_mult'])
    state: dict[str, Tensor] = {}
    _points(left, state, 'pointnet.', 'encoder.point_net.')
    _planes_encoder(left, state, num_levels)
    _planes_decoder(left, state, num_levels)
    _readout(left, state, _half_width(meta['pointnet']))
    if left:
        raise ValueError(
            f'{len(left)} weights have no counterpart, e.g. {sorted(left)[:5]}; is this a '
            f'published shape autoencoder?'
        )
    return state


def latent_from_published(z: Tensor) -> Tensor:
    """Planes stacked on channels in the published order, ``(B, 3C, r, c)``, to ``(B, C, N)``."""
    named = dict(zip(LATENT_ORDER, z.chunk(3, dim=1), strict=True))
    return torch.cat([named[p].flatten(2) for p in PLANES], dim=-1)


def latent_to_published(z: Tensor, shape: tuple[int, int]) -> Tensor:
    """Inverse of :func:`latent_from_published`; ``shape`` is ``(rows, cols)`` of a plane."""
    named = dict(zip(PLANES, z.unflatten(-1, (3, *shape)).unbind(2), strict=True))
    return torch.cat([named[p] for p in LATENT_ORDER], dim=1)


def _move(left: dict, state: dict, old: str, new: str) -> None:
    """Rename a module's weight and bias, as far as it has them."""
    for name in ('weight', 'bias'):
        if f'{old}.{name}' in left:
            state[f'{new}.{name}'] = left.pop(f'{old}.{name}')


def _res_block(left: dict, state: dict, old: str, new: str) -> None:
    for part in ('norm1', 'conv1', 'norm2', 'conv2'):
        _move(left, state, f'{old}.{part}', f'{new}.{part}')
    _move(left, state, f'{old}.nin_shortcut', f'{new}.shortcut')


def _attention(left: dict, state: dict, old: str, new: str) -> None:
    """1x1 convolutions q, k, v become one 1-D convolution."""
    _move(left, state, f'{old}.norm', f'{new}.norm')
    for name in ('weight', 'bias'):
        qkv = [
            left.pop(f'{old}.{x}.{name}').flatten(2)
            if name == 'weight'
            else left.pop(f'{old}.{x}.{name}')
            for x in 'qkv'
        ]
        state[f'{new}.qkv.{name}'] = torch.cat(qkv)
    state[f'{new}.proj.weight'] = left.pop(f'{old}.proj_out.weight').flatten(2)
    state[f'{new}.proj.bias'] = left.pop(f'{old}.proj_out.bias')


def _mix(left: dict, state: dict, old: tuple[str, str, str], new: str) -> None:
    """Residual block, attention, residual block on the stacked planes, where there are any."""
    if f'{old[0]}.conv1.weight' in left:
        _res_block(left, state, old[0], f'{new}.block1')
        _attention(left, state, old[1], f'{new}.attention.tokens')
        _res_block(left, state, old[2], f'{new}.block2')


def _level(left: dict, state: dict, old: str, new: str) -> None:
    i = 0
    while f'{old}.block.{i}.conv1.weight' in left:
        _res_block(left, state, f'{old}.block.{i}', f'{new}.blocks.module.{i}')
        i += 1
    names = tuple(f'{old}.inter_attn.{i}' for i in range(3))
    _mix(left, state, names, f'{new}.mix')


def _middle(left: dict, state: dict, old: str, new: str) -> None:
    _res_block(left, state, f'{old}.mid.block_1', f'{new}.mid.module.0')
    _attention(left, state, f'{old}.mid.attn_1', f'{new}.mid.module.1.tokens')
    _res_block(left, state, f'{old}.mid.block_2', f'{new}.mid.module.2')
    names = (f'{old}.mid.block_3', f'{old}.mid_attn', f'{old}.mid.block_4')
    _mix(left, state, names, f'{new}.mid_mix')


def _planes_encoder(left: dict, state: dict, num_levels: int) -> None:
    old, new = 'vaemodel.encoder', 'encoder.cnn'
    _move(left, state, f'{old}.conv_in', f'{new}.conv_in.module')
    for i in range(num_levels):
        _level(left, state, f'{old}.down.{i}', f'{new}.levels.{i}')
        _move(left, state, f'{old}.down.{i}.downsample.conv', f'{new}.downs.{i}.module.conv')
    _middle(left, state, old, new)
    _move(left, state, f'{old}.norm_out', f'{new}.norm_out.module.0')
    _move(left, state, f'{old}.conv_out', f'{new}.conv_out.module')
    for plane in PLANES:
        _move(left, state, f'vaemodel.quant_conv_{plane}', f'{new}.quant.{plane}')


def _planes_decoder(left: dict, state: dict, num_levels: int) -> None:
    old, new = 'vaemodel.decoder', 'generator.decoder'
    for plane in PLANES:
        _move(left, state, f'vaemodel.post_quant_conv_{plane}', f'{new}.post_quant.{plane}')
    _move(left, state, f'{old}.conv_in', f'{new}.conv_in.module')
    _middle(left, state, old, new)
    for i in range(num_levels):
        stride = 2**i
        _level(left, state, f'{old}.up.{i}', f'{new}.levels.{stride}')
        # The published level ends with the enlargement to the next finer one; ours begins with it.
        finer = f'{new}.levels.{stride // 2}.up.module.conv'
        _move(left, state, f'{old}.up.{i}.upsample.conv', finer)
        _move(left, state, f'{old}.up.{i}.hdbf.0', f'{new}.heads.{stride}.module')
    _move(left, state, f'{old}.norm_out', f'{new}.heads.1.module.0')
    _move(left, state, f'{old}.conv_out', f'{new}.heads.1.module.2')


def _linear_block(left: dict, state: dict, old: str, new: str) -> None:
    for a, b in (('fc_0', 'fc1'), ('fc_1', 'fc2'), ('shortcut', 'shortcut')):
        _move(left, state, f'{old}.{a}', f'{new}.{b}')


def _points(left: dict, state: dict, old: str, new: str) -> None:
    _move(left, state, f'{old}fc_pos', f'{new}stem')
    _move(left, state, f'{old}fc_c', f'{new}head')
    i = 0
    while f'{old}blocks.{i}.fc_0.weight' in left:
        _linear_block(left, state, f'{old}blocks.{i}', f'{new}blocks.{i}')
        i += 1


def _readout(left: dict, state: dict, half: float) -> None:
    """``half``: published coordinates are in data units, ours normalized by it."""
    new = 'generator.evaluator.readout.mlp'
    _move(left, state, 'mlp.net_p', f'{new}.coordinates.linear')
    state[f'{new}.coordinates.linear.weight'] = state[f'{new}.coordinates.linear.weight'] * half
    for i in range(4):
        _linear_block(left, state, f'mlp.net_res{i + 1}', f'{new}.blocks.{i}')
    _move(left, state, 'mlp.net_out', f'{new}.head.linear')
