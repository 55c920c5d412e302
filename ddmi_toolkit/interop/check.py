"""Whether our modules compute what published ones did: fixture folders, array by array.

A folder holds ``io.npz`` (inputs and expected outputs), ``meta.json`` (published settings) and,
for models, ``weights.safetensors``. What it is a fixture of shows in the settings and arrays.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..evaluation import functional
from ..registry import MODELS
from ..structures import DiagonalGaussian, PlaneLayout
from . import shape_vae, unet

TOLERANCE = 1e-4

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


@dataclass(frozen=True)
class Comparison:
    """One array: the largest error, absolute or relative to the largest expected value."""

    array: str
    error: float
    is_relative: bool = False

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; not a number is not."""
        return self.error <= TOLERANCE

    def __str__(self) -> str:
        how = 'relative' if self.is_relative else 'absolute'
        verdict = 'ok' if self.passed else 'FAIL'
        return f'{self.array:<22} {self.error:.2e} {how}, tolerance {TOLERANCE:.0e}  {verdict}'


def check_all(folders: Iterable[str | Path]) -> Iterator[tuple[str, bool]]:
    """Lines of a report and whether each is good news; a bad folder does not end the report."""
    for folder in folders:
        try:
            kind, comparisons = check_folder(folder)
        except ValueError as error:
            yield str(error), False
            continue
        yield f'{folder}: {kind}', True
        for one in comparisons:
            yield f'  {one}', one.passed


@torch.no_grad()
def check_folder(folder: str | Path) -> tuple[str, list[Comparison]]:
    """Compare all expected arrays of a fixture with ours, in float32 on the CPU.

    Returns:
        The kind of the fixture in words, and one comparison per expected array.

    Raises:
        ValueError: Files are missing or damaged, the kind is unknown or not supported yet, or
            settings, weights and arrays do not belong together; one line that names the folder.
    """
    folder = Path(folder)
    meta, arrays = _read_meta(folder), _read_arrays(folder)
    kind = _checked(folder, identify, meta, arrays)
    if kind.compute is None:
        raise ValueError(f'{folder}: not supported yet: {kind.name}')
    weights = _read_weights(folder) if kind.has_weights else {}
    if missing := sorted(kind.inputs - set(arrays)):
        raise ValueError(
            f'{folder}: io.npz of a fixture of {kind.name} needs the inputs {sorted(kind.inputs)}; '
            f'missing {missing}'
        )
    ours = _checked(folder, kind.compute, meta, weights, arrays)
    expected = {k: v for k, v in arrays.items() if k not in kind.inputs}
    expected |= _checked(folder, _expected_values, meta)
    base_names = {name.split('[')[0] for name in ours}
    if base_names != set(expected):
        raise ValueError(
            f'{folder}: a fixture of {kind.name} holds {sorted(base_names)}; '
            f'missing {sorted(base_names - set(expected))}, '
            f'unknown {sorted(set(expected) - base_names)}'
        )
    return kind.name, [_compare(k, v, expected[k.split('[')[0]]) for k, v in ours.items()]


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
        return Kind('video autoencoder' if is_video else 'image autoencoder')
    raise ValueError(
        f'unknown kind of fixture: meta.json has {sorted(meta)}, io.npz {sorted(arrays)}; expected '
        f'ddconfig and pointnet (shape autoencoder), unetconfig and z0 (denoiser), or expected, '
        f'reference and generated (point cloud metrics)'
    )


def _shape_vae(meta: Mapping[str, Any], weights: Arrays, arrays: Arrays) -> Arrays:
    config = shape_vae.published_config(meta)
    layout, channels = PlaneLayout(**config['layout']), config['latent_channels']
    offers = dict(layout=layout, in_channels=channels, out_channels=channels)
    model = nn.ModuleDict(
        {k: MODELS.build(config[k], default_args=offers) for k in ('encoder', 'generator')}
    ).eval()
    model.load_state_dict(shape_vae.convert_state(weights, meta))
    encoder, points = model['encoder'], arrays['points']
    out = {f'feat_{plane}': x for plane, x in encoder.scatter(points).items()}
    posterior = DiagonalGaussian(encoder(points))
    for name in ('mean', 'logvar'):
        values = layout.split(getattr(posterior, name))
        out |= {f'{name}_{plane}': x for plane, x in values.items()}
    # Through the published order and back: the expected basis fields were decoded from it.
    stacked = torch.cat([out[f'mean_{p}'] for p in shape_vae.LATENT_ORDER], dim=1)
    field = model['generator'](shape_vae.latent_from_published(stacked))
    for name, x in field.state.items():
        level, plane = name.removeprefix('level').split('.')
        out[f'hdbf_{plane}_{level}'] = x
    return out | dict(logits=field(arrays['queries'])[..., 0])


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


SHAPE_VAE = Kind('shape autoencoder', _shape_vae, frozenset({'points', 'queries'}))
PLANE_UNET = Kind('2-D U-Net with diffusion', _plane_unet, frozenset({'z0', 'eps', 't', 'zT'}))
TRIPLANE_UNET = Kind('tri-plane U-Net', _triplane_unet, frozenset({'z0', 't'}))
POINT_CLOUD_METRICS = Kind(
    'point cloud metrics', _point_cloud_metrics, frozenset({'reference', 'generated'}), False
)


def _compare(name: str, ours: Tensor, expected: Tensor) -> Comparison:
    if ours.shape != expected.shape:
        found = f'{name} {tuple(ours.shape)} for {tuple(expected.shape)}'
        return Comparison(found, float('inf'))
    ours, expected = ours.double(), expected.double()
    error = (ours - expected).abs().max().item()
    if name.split('[')[0] != 'ddim':
        return Comparison(name, error)
    return Comparison(name, error / expected.abs().max().item(), is_relative=True)


def _expected_values(meta: Mapping[str, Any]) -> Arrays:
    return {k: torch.tensor(v, dtype=torch.float64) for k, v in meta.get('expected', {}).items()}


def _checked(folder: Path, function: Callable, *args: Any) -> Any:
    """Call a function; what does not fit together becomes one line that names the folder."""
    try:
        return function(*args)
    except KeyError as error:
        raise ValueError(f'{folder}: the fixture lacks {error}') from error
    except (ValueError, TypeError, AttributeError, RuntimeError, IndexError) as error:
        text = ' '.join(str(error).split())
        raise ValueError(f'{folder}: {text}') from error


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        found = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else 'no such folder'
        raise ValueError(f'{folder}: {name} is missing, found {found}')
    return path


def _read_meta(folder: Path) -> dict[str, Any]:
    path = _file(folder, 'meta.json')
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{folder}: meta.json is no JSON: {error}') from error
    if not isinstance(meta, dict):
        raise ValueError(f'{folder}: meta.json holds a {type(meta).__name__}, expected an object')
    return meta


def _read_arrays(folder: Path) -> Arrays:
    path = _file(folder, 'io.npz')
    try:
        with np.load(path) as file:
            return {k: torch.from_numpy(file[k]) for k in file.files}
    except (ValueError, OSError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f'{folder}: io.npz cannot be read: {error}') from error


def _read_weights(folder: Path) -> Arrays:
    path = _file(folder, 'weights.safetensors')
    try:
        return {k: v.float() for k, v in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f'{folder}: weights.safetensors cannot be read: {error}') from error
