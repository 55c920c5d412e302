"""What a fixture folder may be of, and how we compute its arrays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..evaluation import functional
from ..registry import MODELS
from ..structures import DiagonalGaussian, Grid, PlaneLayout
from ..structures.coords import pixel_centers
from . import image_vae, shape_vae, unet, video_vae

Arrays = dict[str, Tensor]
Compute = Callable[[Mapping[str, Any], Arrays, Arrays], Arrays]


@dataclass(frozen=True)
class Kind:
    """What a fixture may be of.

    Args:
        name: In words.
        compute: Expected arrays by name, as we compute them from settings, weights and inputs;
            None where the toolkit has no counterpart.
        inputs: Arrays of the fixture that are given, not expected.
        has_weights: Whether the folder holds ``weights.safetensors``.
    """

    name: str
    compute: Compute | None = None
    inputs: frozenset[str] = frozenset()
    has_weights: bool = True


def identify(meta: Mapping[str, Any], arrays: Mapping[str, Tensor]) -> Kind:
    """What a fixture is of, from its settings and arrays.

    Raises:
        ValueError: They fit no known kind.
    """
    if 'expected' in meta and {'reference', 'generated'} <= set(arrays):
        return POINT_CLOUD_METRICS
    if 'unetconfig' in meta and 'z0' in arrays:
        return PLANE_UNET if arrays['z0'].ndim == 4 else TRIPLANE_UNET
    if 'ddconfig' in meta and 'pointnet' in meta:
        return SHAPE_VAE if 'queries' in arrays else Kind('radiance field autoencoder')
    if 'ddconfig' in meta:
        is_video = 'timesformer_channels' in meta['ddconfig']
        return VIDEO_VAE if is_video else IMAGE_VAE
    raise ValueError(
        f'unknown kind of fixture: meta.json has {sorted(meta)}, io.npz {sorted(arrays)}; expected '
        f'ddconfig and pointnet (shape autoencoder), ddconfig alone (image autoencoder, or video '
        f'where it has timesformer_channels), unetconfig and z0 (denoiser), or expected, reference '
        f'and generated (point cloud metrics)'
    )


def _build_autoencoder(
    config: Mapping[str, Any], state: Arrays
) -> tuple[nn.Module, nn.Module, PlaneLayout]:
    layout, channels = PlaneLayout(**config['layout']), config['latent_channels']
    offers = dict(layout=layout, in_channels=channels, out_channels=channels)
    model = nn.ModuleDict(
        {k: MODELS.build(config[k], default_args=offers) for k in ('encoder', 'generator')}
    ).eval()
    model.load_state_dict(state)
    return model['encoder'], model['generator'], layout


def _image_vae(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    """Pictures ``rgb_<n>`` are ``n`` pixels wide and high, at the scale of that size."""
    encoder, generator, layout = _build_autoencoder(
        image_vae.published_config(meta), image_vae.convert_state(weights, meta)
    )
    posterior = DiagonalGaussian(encoder(arrays['x']))
    out = {k: layout.split(getattr(posterior, k))['xy'] for k in ('mean', 'logvar')}
    out['kl'] = posterior.kl()
    field = generator(posterior.mean)
    for name, x in field.state.items():
        out[name.removesuffix('.xy').replace('level', 'hdbf_')] = x
    size = layout.axes['x'].size
    for n in [int(k.removeprefix('rgb_')) for k in arrays if k.startswith('rgb_')] or [size]:
        axes = {a: pixel_centers(layout.axes[a], n).expand(len(field), -1) for a in 'yx'}
        picture = field(Grid(axes, layout), scale=torch.full((len(field),), size / n))
        out[f'rgb_{n}'] = picture.movedim(-1, 1)
    return out


def _shape_vae(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    encoder, generator, layout = _build_autoencoder(
        shape_vae.published_config(meta), shape_vae.convert_state(weights, meta)
    )
    points = arrays['points']
    out = {f'feat_{plane}': x for plane, x in encoder.scatter(points).items()}
    posterior = DiagonalGaussian(encoder(points))
    for name in ('mean', 'logvar'):
        values = layout.split(getattr(posterior, name))
        out |= {f'{name}_{plane}': x for plane, x in values.items()}
    # Through the published order and back: the expected basis fields were decoded from it.
    stacked = torch.cat([out[f'mean_{p}'] for p in shape_vae.LATENT_ORDER], dim=1)
    field = generator(shape_vae.latent_from_published(stacked))
    for name, x in field.state.items():
        level, plane = name.removeprefix('level').split('.')
        out[f'hdbf_{plane}_{level}'] = x
    return out | dict(logits=field(arrays['queries'])[..., 0])


def _video_vae(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    encoder, generator, layout = _build_autoencoder(
        video_vae.published_config(meta), video_vae.convert_state(weights, meta)
    )
    posterior = DiagonalGaussian(encoder(arrays['video']))
    out = {f'mean_{plane}': x for plane, x in layout.split(posterior.mean).items()}
    out |= dict(logvar_xy=layout.split(posterior.logvar)['xy'], z=posterior.mean)
    field = generator(posterior.mean)
    for name, x in field.state.items():
        level, plane = name.removeprefix('level').split('.')
        out[f'hdbf_{plane}_{level}'] = x
    axes = {a: pixel_centers(layout.axes[a], layout.axes[a].size) for a in 'tyx'}
    clip = field(Grid({a: v.expand(len(field), -1) for a, v in axes.items()}, layout))
    return out | dict(rgb=clip.movedim(-1, 1))


def _plane_unet(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    """On one plane and, where the channels allow, on three that are stacked as in shapes."""
    out = _diffusion(meta, weights, arrays, ('xy',))
    if meta['unetconfig']['in_channels'] % len(shape_vae.PLANES) == 0:
        stacked = _diffusion(meta, weights, arrays, shape_vae.PLANES)
        names = '|'.join(shape_vae.PLANES)
        out |= {f'{k}[{names}]': v for k, v in stacked.items() if k != 'alphas_cumprod'}
    return out


def _diffusion(
    meta: Mapping[str, Any], weights: Arrays, arrays: Arrays, planes: tuple[str, ...]
) -> Arrays:
    net, diffuser, layout = _build_diffusion(meta, weights, planes)
    z0, eps, z_last = (unet.latent_from_published(arrays[k], layout) for k in ('z0', 'eps', 'zT'))
    t, schedule = arrays['t'], diffuser.schedule
    raw = net(z0, schedule.c_noise(t))
    alpha, sigma = schedule(t, z0.ndim)
    z_t = alpha * z0 + sigma * eps
    x0 = diffuser.denoise(net, z_t, t)
    predicted = diffuser.parameterization.from_x0(x0, z_t, alpha, sigma)
    ddim = diffuser.sampler(lambda z, t: diffuser.denoise(net, z, t), schedule, z_last)
    latents = dict(raw=raw, zt=z_t, ddim=ddim)
    return {
        **{k: unet.latent_to_published(v, layout) for k, v in latents.items()},
        'loss': (predicted - eps).square().mean(),
        'alphas_cumprod': schedule.alphas.square(),
    }


def _triplane_unet(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    net, diffuser, _ = _build_diffusion(meta, weights, unet.VIDEO_PLANES)
    return dict(raw=net(arrays['z0'], diffuser.schedule.c_noise(arrays['t'])))


def _build_diffusion(
    meta: Mapping[str, Any], weights: Arrays, planes: tuple[str, ...]
) -> tuple[nn.Module, nn.Module, PlaneLayout]:
    config = unet.published_config(meta, planes)
    layout = PlaneLayout(**config['layout'])
    offers = dict(layout=layout, channels=config['channels'])
    parts = ('denoiser', 'diffuser')
    model = nn.ModuleDict({k: MODELS.build(config[k], default_args=offers) for k in parts}).eval()
    model.load_state_dict(unet.convert_state(weights, meta, planes))
    return model['denoiser'], model['diffuser'], layout


def _point_cloud_metrics(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    reference, generated = arrays['reference'].numpy(), arrays['generated'].numpy()
    out: dict[str, Any] = {}
    for name, pairwise in dict(cd=functional.pairwise_chamfer, emd=functional.pairwise_emd).items():
        ref_gen = pairwise(reference, generated)
        out[f'{name}_ref_gen'] = ref_gen
        out[f'lgan_mmd_{name}'] = functional.mmd(ref_gen)
        out[f'lgan_cov_{name}'] = functional.coverage(ref_gen)
        out[f'lgan_mmd_smp_{name}'] = functional.mmd(ref_gen.T)
        out[f'1nna_{name}'] = functional.one_nn_accuracy(
            pairwise(reference), ref_gen, pairwise(generated)
        )
    return {k: torch.as_tensor(v) for k, v in out.items()}


IMAGE_VAE = Kind('image autoencoder', _image_vae, frozenset({'x'}))
SHAPE_VAE = Kind('shape autoencoder', _shape_vae, frozenset({'points', 'queries'}))
VIDEO_VAE = Kind('video autoencoder', _video_vae, frozenset({'video'}))
PLANE_UNET = Kind('2-D U-Net with diffusion', _plane_unet, frozenset({'z0', 'eps', 't', 'zT'}))
TRIPLANE_UNET = Kind('tri-plane U-Net', _triplane_unet, frozenset({'z0', 't'}))
POINT_CLOUD_METRICS = Kind(
    'point cloud metrics', _point_cloud_metrics, frozenset({'reference', 'generated'}), False
)
