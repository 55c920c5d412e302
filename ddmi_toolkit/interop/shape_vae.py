"""Published shape autoencoders: their configuration and weights as ours.

A published checkpoint holds three modules, ``pointnet`` (point encoder), ``vaemodel`` (planes) and
``mlp`` (read-out); here the first and half of the second are the encoder, the rest is the
generator. Our modules stack planes in the order xy, yz, xz, as the published ones do internally.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .plane_keys import map_decoder, map_encoder, move, refuse_attention, require_empty

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
    refuse_attention(dd)
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
    quant, post_quant = (
        {plane: f'vaemodel.{name}_conv_{plane}' for plane in PLANES}
        for name in ('quant', 'post_quant')
    )
    map_encoder(left, state, num_levels, 'vaemodel.encoder', quant)
    map_decoder(left, state, num_levels, 'vaemodel.decoder', post_quant)
    _readout(left, state, _half_width(meta['pointnet']))
    require_empty(left, 'shape autoencoder')
    return state


def latent_from_published(z: Tensor) -> Tensor:
    """Planes stacked on channels in the published order, ``(B, 3C, r, c)``, to ``(B, C, N)``."""
    named = dict(zip(LATENT_ORDER, z.chunk(3, dim=1), strict=True))
    return torch.cat([named[p].flatten(2) for p in PLANES], dim=-1)


def latent_to_published(z: Tensor, shape: tuple[int, int]) -> Tensor:
    """Inverse of :func:`latent_from_published`; ``shape`` is ``(rows, cols)`` of a plane."""
    named = dict(zip(PLANES, z.unflatten(-1, (3, *shape)).unbind(2), strict=True))
    return torch.cat([named[p] for p in LATENT_ORDER], dim=1)


def _linear_block(left: dict, state: dict, old: str, new: str) -> None:
    for a, b in (('fc_0', 'fc1'), ('fc_1', 'fc2'), ('shortcut', 'shortcut')):
        move(left, state, f'{old}.{a}', f'{new}.{b}')


def _points(left: dict, state: dict, old: str, new: str) -> None:
    move(left, state, f'{old}fc_pos', f'{new}stem')
    move(left, state, f'{old}fc_c', f'{new}head')
    i = 0
    while f'{old}blocks.{i}.fc_0.weight' in left:
        _linear_block(left, state, f'{old}blocks.{i}', f'{new}blocks.{i}')
        i += 1


def _readout(left: dict, state: dict, half: float) -> None:
    """``half``: published coordinates are in data units, ours normalized by it."""
    new = 'generator.evaluator.readout.mlp'
    move(left, state, 'mlp.net_p', f'{new}.coordinates.linear')
    state[f'{new}.coordinates.linear.weight'] = state[f'{new}.coordinates.linear.weight'] * half
    for i in range(4):
        _linear_block(left, state, f'mlp.net_res{i + 1}', f'{new}.blocks.{i}')
    move(left, state, 'mlp.net_out', f'{new}.head.linear')
