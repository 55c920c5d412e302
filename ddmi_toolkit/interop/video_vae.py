"""Published video autoencoders: their configuration and weights as ours.

A published checkpoint holds two modules, ``vaemodel`` (encoder and decoder of three planes) and
``mlp`` (the read-out). Two oddities are kept, since the weights learned to live with them: the
plane called xt holds time and rows, yt time and columns, and both are looked up transposed.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .plane_keys import Weights, map_decoder, move, refuse_attention, require_empty

PLANES = ('xy', 'xt', 'yt')
EMBEDDING_ORDER = ('xy', 'yt', 'xt')
"""Order in which the published read-out takes the planes' embeddings."""

NUM_FRAMES = 16
"""Of all published models, whose settings do not state it."""

_DIVIDED = dict(depth=8, num_heads=8, head_channels=64, pool_depth=4)
"""Numbers that are fixed in the published code."""


def published_config(meta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Our configuration of a published video autoencoder.

    Args:
        meta: Published settings: ``ddconfig``, ``embed_dim``, ``mlpconfig`` and, unless 16,
            ``frames``.

    Returns:
        ``layout``, ``latent_channels``, ``encoder`` and ``generator`` of a ``D2CVAE``.

    Raises:
        ValueError: A setting that no published checkpoint uses and we have no counterpart for.
    """
    dd, mlp = meta['ddconfig'], meta['mlpconfig']
    refuse_attention(dd, 'vanilla-multihead')
    _check(dd, mlp)
    size, frames = dd['resolution'], meta.get('frames', NUM_FRAMES)
    axes = [dict(name=a, size=size) for a in 'xy'] + [dict(name='t', size=frames, strided=False)]
    return dict(
        layout=dict(
            axes=axes,
            planes=list(PLANES),
            latent_stride=dd['patch_size'],
            align_corners=True,
            transposed=['xt', 'yt'],
        ),
        latent_channels=meta['embed_dim'],
        encoder=dict(
            type='TimesformerEncoder',
            in_channels=dd['in_channels'],
            channels=dd['timesformer_channels'],
            pool_token='first',
            swap_space=True,
            **_DIVIDED,
        ),
        generator=_generator_config(dd, mlp),
    )


def _generator_config(dd: Mapping[str, Any], mlp: Mapping[str, Any]) -> dict[str, Any]:
    size = dd['resolution']
    strides = {size // r for r in dd['hdbf_resolutions']} | {1}
    mixed = sorted({size // r for r in dd['inter_attn_resolutions']}, reverse=True)
    return dict(
        type='PEGenerator',
        reduce='concat',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=dd['out_ch'],
            strides=sorted(strides, reverse=True),
            base_channels=dd['ch'],
            channel_mult=list(dd['ch_mult']),
            num_res_blocks=dd['num_res_blocks'] + 1,
            z_channels=dd['z_channels'],
            num_heads=16,
            mix=dict(type='token', strides=mixed, num_heads=8, wide_heads=True),
        ),
        readout=dict(
            type='CFCReadout',
            width=mlp['ch'],
            head=dict(type='LinearHead', out_channels=mlp['out_ch'], slope=0.2),
        ),
    )


def _check(dd: Mapping[str, Any], mlp: Mapping[str, Any]) -> None:
    stride = 2 ** (len(dd['ch_mult']) - 1)
    if dd['patch_size'] != stride:
        raise ValueError(
            f'patch_size={dd["patch_size"]}: a decoder of {len(dd["ch_mult"])} levels enlarges '
            f'latents {stride} times; expected patch_size={stride}, or another ch_mult'
        )
    if mlp['latent_dim'] != dd['out_ch']:
        raise ValueError(
            f'mlpconfig.latent_dim={mlp["latent_dim"]} and ddconfig.out_ch={dd["out_ch"]} must be '
            f'equal: both are the channels of a basis field'
        )


def convert_state(weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> Weights:
    """Published weights under our names.

    Args:
        weights: Tensors named ``vaemodel.*`` and ``mlp.*``.
        meta: Published settings, see :func:`published_config`.

    Returns:
        State of a ``D2CVAE``: ``encoder.*`` and ``generator.*``.

    Raises:
        ValueError: Weights that have no counterpart here.
    """
    left, dd = dict(weights), meta['ddconfig']
    state: Weights = {}
    _encoder(left, state, 'vaemodel.encoder')
    for plane in PLANES:
        _pool(left, state, f'vaemodel.{plane}', f'encoder.pools.{plane}')
        move(left, state, f'vaemodel.pre_{plane}', f'encoder.quant.{plane}')
    posts = {plane: f'vaemodel.post_{plane}' for plane in PLANES}
    map_decoder(left, state, len(dd['ch_mult']), 'vaemodel.decoder', posts)
    _readout(left, state, dd['out_ch'])
    require_empty(left, 'video autoencoder')
    return state


def _encoder(left: Weights, state: Weights, old: str) -> None:
    move(left, state, f'{old}.to_patch_embedding', 'encoder.embed')
    # The published table holds the frequencies twice in a row, but neighbors are rotated.
    frames = left.pop(f'{old}.frame_rot_emb.inv_freqs')
    state['encoder.frames.frequencies'] = torch.cat([frames, frames])
    state['encoder.positions.frequencies'] = left.pop(f'{old}.image_rot_emb.scales')
    i = 0
    while f'{old}.layers.{i}.0.norm.weight' in left:
        layer, block = f'{old}.layers.{i}', f'encoder.blocks.{i}'
        _attention(left, state, f'{layer}.0', f'{block}.time')
        _attention(left, state, f'{layer}.1', f'{block}.space')
        _feed_forward(left, state, f'{layer}.2', f'{block}.feed_forward')
        i += 1


def _pool(left: Weights, state: Weights, old: str, new: str) -> None:
    state[f'{new}.token'] = left.pop(f'{old}_token')
    state[f'{new}.positions'] = left.pop(f'{old}_pos_embedding')
    i = 0
    while f'{old}_quant_attn.layers.{i}.0.norm.weight' in left:
        layer, block = f'{old}_quant_attn.layers.{i}', f'{new}.blocks.{i}'
        _attention(left, state, f'{layer}.0', f'{block}.0')
        _feed_forward(left, state, f'{layer}.1', f'{block}.1')
        i += 1


def _attention(left: Weights, state: Weights, old: str, new: str) -> None:
    for a, b in (('norm', 'norm'), ('fn.to_qkv', 'qkv'), ('fn.to_out.0', 'proj')):
        move(left, state, f'{old}.{a}', f'{new}.{b}')


def _feed_forward(left: Weights, state: Weights, old: str, new: str) -> None:
    for a, b in (('norm', 'norm'), ('fn.net.0', 'fc1'), ('fn.net.3', 'fc2')):
        move(left, state, f'{old}.{a}', f'{new}.{b}')


def _readout(left: Weights, state: Weights, channels: int) -> None:
    new = 'generator.evaluator.readout.mlp'
    for i in range(4):
        for a, b in (('fc_0', 'fc1'), ('fc_1', 'fc2'), ('shortcut', 'shortcut')):
            move(left, state, f'mlp.net_res{i + 1}.{a}', f'{new}.blocks.{i}.{b}')
    for i in range(3):  # blocks that embeddings enter, after the output of the block before
        for part in ('fc1', 'shortcut'):
            name = f'{new}.blocks.{i}.{part}.weight'
            if name in state:  # no shortcut has weights where a block is as wide as its input
                state[name] = _ours(state[name], channels)
    move(left, state, 'mlp.net_out', f'{new}.head.linear')


def _ours(weight: Tensor, channels: int) -> Tensor:
    """``(out, in)`` whose last inputs are the planes' embeddings, these in our order."""
    before, planes = weight.tensor_split([-len(PLANES) * channels], dim=1)
    named = dict(zip(EMBEDDING_ORDER, planes.split(channels, dim=1), strict=True))
    return torch.cat([before, *(named[p] for p in PLANES)], dim=1)
