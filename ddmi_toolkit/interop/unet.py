"""Published latent diffusion models: their configuration and weights as ours.

Two networks were published: a U-Net over stacked planes (images: one plane; shapes and radiance
fields: three planes on the channels of one) and a tri-plane U-Net with joint attention (video).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..structures import PlaneLayout
from .plane_keys import move
from .shape_vae import LATENT_ORDER as STACK_ORDER

VIDEO_PLANES = ('xy', 'xt', 'yt')


def published_config(
    meta: Mapping[str, Any], planes: Sequence[str] = ('xy',)
) -> dict[str, dict[str, Any]]:
    """Our configuration of a published latent diffusion model.

    Args:
        meta: Published settings: ``unetconfig`` and, unless only the network is wanted,
            ``ddpmconfig``.
        planes: Planes that are stacked on the network's channels, in our order; ignored by the
            tri-plane network.

    Returns:
        ``layout`` of the latent (stride 1), ``channels``, ``denoiser`` and ``diffuser``.

    Raises:
        ValueError: A setting that no published checkpoint uses and we have no counterpart for.
    """
    unet = dict(meta['unetconfig'])
    _refuse(unet)
    denoiser = dict(
        type='PlaneUNet',
        model_channels=unet['model_channels'],
        channel_mult=list(unet['channel_mult']),
        num_res_blocks=unet['num_res_blocks'],
        attention_rates=list(unet['attention_resolutions']),
        num_head_channels=unet['num_head_channels'],
        dropout=unet.get('dropout', 0.0),
    )
    triplane = is_triplane(meta)
    if triplane:
        sizes = dict(x=unet['size1'], y=unet['size2'], t=unet['size3'])
        planes = VIDEO_PLANES
        denoiser.update(mix='token', num_mix_heads=16)
    else:
        sizes = dict.fromkeys(sorted({a for p in planes for a in p}), unet['image_size'])
        if len(planes) > 1:
            denoiser = dict(type='StackedPlanes', denoiser=denoiser)
    stacked = 1 if triplane else len(planes)
    if unet['in_channels'] % stacked:
        raise ValueError(
            f'in_channels={unet["in_channels"]} is not a multiple of the {stacked} planes '
            f'{list(planes)}'
        )
    axes = [dict(name=name, size=size) for name, size in sizes.items()]
    return dict(
        layout=dict(axes=axes, planes=list(planes), latent_stride=1),
        channels=unet['in_channels'] // stacked,
        denoiser=denoiser,
        diffuser=_diffuser(meta.get('ddpmconfig', {})),
    )


def is_triplane(meta: Mapping[str, Any]) -> bool:
    """Whether the network has three unequal planes (video).

    Published shape configurations give ``size1`` to ``size3`` too, which their 2-D network ignores;
    only that one has an ``image_size``.
    """
    unet = meta['unetconfig']
    return 'size1' in unet and 'image_size' not in unet


def _refuse(unet: Mapping[str, Any]) -> None:
    """Raise on settings that the published class has but no published model uses."""
    expected = dict(
        num_classes=None,
        use_spatial_transformer=False,
        context_dim=None,
        resblock_updown=False,
        use_scale_shift_norm=False,
        use_new_attention_order=False,
        conv_resample=True,
        dims=2,
    )
    for name, value in expected.items():
        if name in unet and unet[name] != value:
            raise ValueError(
                f'unetconfig.{name}={unet[name]!r} has no counterpart; expected {value!r}, as in '
                f'all published models'
            )
    if unet['in_channels'] != unet['out_channels']:
        raise ValueError(
            f'in_channels={unet["in_channels"]} and out_channels={unet["out_channels"]} must agree'
        )


def _diffuser(ddpm: Mapping[str, Any]) -> dict[str, Any]:
    num_times = ddpm.get('timesteps', 1000)
    num_steps = ddpm.get('sampling_timesteps') or num_times
    if ddpm.get('parameterization', 'eps') != 'eps':
        raise ValueError(
            f"ddpmconfig.parameterization={ddpm['parameterization']!r}: expected 'eps', as in all "
            f'published models'
        )
    sampler = (
        dict(type='DDIM', num_steps=num_steps, eta=float(ddpm.get('ddim_sampling_eta', 0.0)))
        if num_steps < num_times
        else dict(type='DDPM', num_steps=num_times)
    )
    parameterization = dict(type='Eps')
    if ddpm.get('mixed_prediction', False):
        init = float(ddpm.get('mixed_init', -6))
        parameterization = dict(type='Mixed', inner=parameterization, init=init)
    return dict(
        type='Diffuser',
        schedule=dict(type='ScaledLinearSchedule', num_steps=num_times),
        parameterization=parameterization,
        sampler=sampler,
    )


def convert_state(
    weights: Mapping[str, Tensor], meta: Mapping[str, Any], planes: Sequence[str] = ('xy',)
) -> dict[str, Tensor]:
    """Published weights under our names.

    Args:
        weights: Tensors named ``[diffusion.]model.*`` and, for mixed prediction,
            ``diffusion.mixing_logit``; buffers of the published schedule are left out.
        meta: Published settings, see :func:`published_config`.
        planes: Planes that are stacked on the network's channels, in our order.

    Returns:
        State of ``LatentDiffusion``'s ``denoiser.*`` and ``diffuser.*``.

    Raises:
        ValueError: Weights that have no counterpart here.
    """
    left = {name.removeprefix('diffusion.'): v for name, v in weights.items()}
    unet = meta['unetconfig']
    triplane = is_triplane(meta)
    stacked = len(planes) > 1 and not triplane
    state: dict[str, Tensor] = {}
    _network(left, state, unet['num_head_channels'])
    if stacked:
        order = stack_permutation(unet['in_channels'], planes)
        state['conv_in.module.weight'] = state['conv_in.module.weight'][:, order]
        for name in ('weight', 'bias'):
            state[f'conv_out.module.{name}'] = state[f'conv_out.module.{name}'][order]
    prefix = 'denoiser.denoiser.' if stacked else 'denoiser.'
    state = {prefix + name: v for name, v in state.items()}
    if (logit := left.pop('mixing_logit', None)) is not None:
        num_planes = len(VIDEO_PLANES if triplane else planes)
        if stacked:
            logit = logit.flatten()[order].view(1, num_planes, -1).transpose(1, 2)
        else:
            logit = logit.view(1, -1, 1).expand(-1, -1, num_planes)
        state['diffuser.parameterization.logit'] = logit.contiguous()
    if unknown := sorted(k for k in left if k.startswith('model.')):
        raise ValueError(
            f'{len(unknown)} weights have no counterpart, e.g. {unknown[:5]}; is this a published '
            f'latent diffusion model?'
        )
    return state


def stack_permutation(channels: int, planes: Sequence[str]) -> Tensor:
    """Channels of planes stacked in our order, as indices into the published stack.

    Args:
        channels: Channels of the stack, ``P * C``.
        planes: Plane names in our order.

    Returns:
        int64 ``(channels,)``: ``ours = published[:, stack_permutation(...)]``.

    Raises:
        ValueError: The planes are not the published ones.
    """
    if sorted(planes) != sorted(STACK_ORDER):
        raise ValueError(
            f'published stacks hold the planes {list(STACK_ORDER)}, got {list(planes)}'
        )
    blocks = torch.arange(channels).view(len(STACK_ORDER), -1)
    return torch.cat([blocks[STACK_ORDER.index(p)] for p in planes])


def latent_from_published(z: Tensor, layout: PlaneLayout) -> Tensor:
    """Stacked ``(B, P * C, rows, cols)`` or flat ``(B, C, N)`` published latents to ours."""
    if z.ndim == 3 or len(layout.planes) == 1:
        return z.flatten(2)
    named = dict(zip(STACK_ORDER, z.chunk(len(STACK_ORDER), dim=1), strict=True))
    return layout.merge(named)


def latent_to_published(z: Tensor, layout: PlaneLayout) -> Tensor:
    """Our latents ``(B, C, N)`` of equal planes to the published stack ``(B, P * C, r, c)``."""
    named = layout.split(z)
    order = layout.planes if len(layout.planes) == 1 else STACK_ORDER
    return torch.cat([named[p] for p in order], dim=1)


def _network(left: dict[str, Tensor], state: dict[str, Tensor], head: int) -> None:
    for i in (0, 2):
        move(left, state, f'model.time_embed.{i}', f'time_embed.{i}')
    move(left, state, 'model.input_blocks.0.0', 'conv_in.module')
    move(left, state, 'model.out.0', 'norm_out.module.0')
    move(left, state, 'model.out.2', 'conv_out.module')
    # The published list of input blocks counts the first convolution.
    for old, new, mix, first in (
        ('input_blocks', 'down', 'input_attns', 1),
        ('output_blocks', 'up', 'output_attns', 0),
    ):
        i = first
        while any(k.startswith(f'model.{old}.{i}.') for k in left):
            block = f'{new}.{i - first}'
            _layer(left, state, f'model.{old}.{i}', f'{block}.layer.module', head)
            _joint_attention(left, state, f'model.{mix}.{i}', f'{block}.mix.attention')
            i += 1
    _res_block(left, state, 'model.middle_block.0', 'mid.0.layer.module.res')
    _attention(left, state, 'model.middle_block.1', 'mid.0.layer.module.attention.tokens', head)
    _res_block(left, state, 'model.middle_block.2', 'mid.1.layer.module.res')
    _joint_attention(left, state, 'model.mid_attn', 'mid.1.mix.attention')


def _layer(
    left: dict[str, Tensor], state: dict[str, Tensor], old: str, new: str, head: int
) -> None:
    """Members of a published block are numbered; what each is shows in its names."""
    for i in range(3):
        member = f'{old}.{i}'
        if f'{member}.in_layers.0.weight' in left:
            _res_block(left, state, member, f'{new}.res')
        elif f'{member}.qkv.weight' in left:
            _attention(left, state, member, f'{new}.attention.tokens', head)
        for conv in ('op', 'conv'):  # on the way down, on the way up
            move(left, state, f'{member}.{conv}', f'{new}.resample.conv')


def _res_block(left: dict[str, Tensor], state: dict[str, Tensor], old: str, new: str) -> None:
    names = {
        'in_layers.0': 'norm1',
        'in_layers.2': 'conv1',
        'emb_layers.1': 'emb',
        'out_layers.0': 'norm2',
        'out_layers.3': 'conv2',
        'skip_connection': 'shortcut',
    }
    for a, b in names.items():
        move(left, state, f'{old}.{a}', f'{new}.{b}')


def _attention(
    left: dict[str, Tensor], state: dict[str, Tensor], old: str, new: str, head: int
) -> None:
    """Published rows are (head, three, channel of the head), ours (three, head, channel)."""
    move(left, state, f'{old}.norm', f'{new}.norm')
    move(left, state, f'{old}.proj_out', f'{new}.proj')
    for name in ('weight', 'bias'):
        rows = left.pop(f'{old}.qkv.{name}').unflatten(0, (-1, 3, head))
        state[f'{new}.qkv.{name}'] = rows.transpose(0, 1).flatten(0, 2)


def _joint_attention(left: dict[str, Tensor], state: dict[str, Tensor], old: str, new: str) -> None:
    """1-D convolutions q, k, v become one; absent where planes are stacked."""
    if f'{old}.q.weight' not in left:
        return
    move(left, state, f'{old}.norm', f'{new}.norm')
    move(left, state, f'{old}.proj_out', f'{new}.proj')
    for name in ('weight', 'bias'):
        state[f'{new}.qkv.{name}'] = torch.cat([left.pop(f'{old}.{x}.{name}') for x in 'qkv'])
