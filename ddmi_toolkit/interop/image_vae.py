"""Published image autoencoders: their configuration and weights as ours.

A published checkpoint holds two modules, ``model`` (``vaemodel`` in files of the second stage;
encoder and decoder of one plane) and ``mlp`` (the read-out, modulated by the scale).
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .plane_keys import Weights, map_decoder, map_encoder, move, refuse_attention, require_empty

PLANES = ('xy',)
_READOUT = 'generator.evaluator.readout.mlp'


def published_config(meta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Our configuration of a published image autoencoder.

    Args:
        meta: Published settings: ``ddconfig``, ``embed_dim`` and ``mlpconfig``.

    Returns:
        ``layout``, ``latent_channels``, ``encoder`` and ``generator`` of a ``D2CVAE``.

    Raises:
        ValueError: A setting that no published checkpoint uses and we have no counterpart for.
    """
    dd, mlp = meta['ddconfig'], meta['mlpconfig']
    refuse_attention(dd)
    if mlp['latent_dim'] != dd['out_ch']:
        raise ValueError(
            f'mlpconfig.latent_dim={mlp["latent_dim"]} and ddconfig.out_ch={dd["out_ch"]} must be '
            f'equal: both are the channels of a basis field'
        )
    size = dd['resolution']
    shared = dict(
        base_channels=dd['ch'], channel_mult=list(dd['ch_mult']), z_channels=dd['z_channels']
    )
    strides = {size // r for r in dd['hdbf_resolutions']} | {1}
    return dict(
        layout=dict(
            axes=[dict(name=a, size=size) for a in 'xy'],
            planes=list(PLANES),
            latent_stride=2 ** (len(dd['ch_mult']) - 1),
        ),
        latent_channels=meta['embed_dim'],
        encoder=dict(
            type='ConvEncoder',
            in_channels=dd['in_channels'],
            num_res_blocks=dd['num_res_blocks'],
            **shared,
        ),
        generator=dict(
            type='PEGenerator',
            decoder=dict(
                type='BasisFieldDecoder',
                out_channels=dd['out_ch'],
                strides=sorted(strides, reverse=True),
                num_res_blocks=dd['num_res_blocks'] + 1,
                **shared,
            ),
            readout=_readout_config(mlp),
        ),
    )


def _readout_config(mlp: Mapping[str, Any]) -> dict[str, Any]:
    width = mlp['ch']
    return dict(
        type='CFCReadout',
        width=width,
        block=dict(type='StyledBlock', noise='training'),
        modulation=dict(
            type='ScaleStyle',
            style_channels=width,
            embed_channels=width // 4,
            num_constants=mlp['in_ch'],
        ),
        head=dict(type='StyledHead', out_channels=mlp['out_ch']),
    )


def convert_state(weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> Weights:
    """Published weights under our names.

    Args:
        weights: Tensors named ``model.*`` (or ``vaemodel.*``) and ``mlp.*``.
        meta: Published settings, see :func:`published_config`.

    Returns:
        State of a ``D2CVAE``: ``encoder.*`` and ``generator.*``.

    Raises:
        ValueError: Weights that have no counterpart here.
    """
    left = dict(weights)
    prefix = 'vaemodel' if any(k.startswith('vaemodel.') for k in left) else 'model'
    num_levels = len(meta['ddconfig']['ch_mult'])
    state: Weights = {}
    map_encoder(left, state, num_levels, f'{prefix}.encoder', {'xy': f'{prefix}.quant_conv'})
    map_decoder(left, state, num_levels, f'{prefix}.decoder', {'xy': f'{prefix}.post_quant_conv'})
    _readout(left, state)
    require_empty(left, 'image autoencoder')
    return state


def _readout(left: Weights, state: Weights) -> None:
    for old, new in ((1, 0), (3, 2)):  # the published list counts the sinusoids
        move(left, state, f'mlp.time_mlp.{old}', f'{_READOUT}.modulation.net.{new}')
    for i in range(4):
        old, new = f'mlp.net_res{i + 1}', f'{_READOUT}.blocks.{i}'
        convs = [f'{old}.conv{j + 1}' for j in range(3)]
        for j, conv in enumerate(convs):
            _modulated(left, state, f'{conv}.conv', f'{new}.layers.{j}')
            state[f'{new}.layers.{j}.bias'] = left.pop(f'{conv}.activate.bias')
        state[f'{new}.noise'] = torch.cat([left.pop(f'{conv}.noise.weight') for conv in convs])
        if f'{old}.skip.0.weight' in left:
            state[f'{new}.shortcut.weight'] = _equalized(left.pop(f'{old}.skip.0.weight'))
    _modulated(left, state, 'mlp.torgb.conv', f'{_READOUT}.head.linear')
    state[f'{_READOUT}.head.linear.bias'] = left.pop('mlp.torgb.bias').flatten()


def _modulated(left: Weights, state: Weights, old: str, new: str) -> None:
    state[f'{new}.weight'] = _equalized(left.pop(f'{old}.weight')[0])
    state[f'{new}.modulation.weight'] = _equalized(left.pop(f'{old}.modulation.weight'))
    state[f'{new}.modulation.bias'] = left.pop(f'{old}.modulation.bias')


def _equalized(weight: Tensor) -> Tensor:
    """``(out, in, ...)`` times the factor that the published code applies at every call."""
    return weight.flatten(1) / math.sqrt(weight.shape[1])
