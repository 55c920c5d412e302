"""Published checkpoints and their yaml files as our configs and checkpoints."""

import pprint
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ..apis.config import config_hash, load_config
from ..registry import MODELS
from ..utils import load_state_strict, replace_atomically
from . import image_vae, shape_vae, unet, video_vae
from .restricted import load_restricted
from .settings import read_settings

FIRST, SECOND = 'd2c_vae', 'ddmi'
"""Names of the files written: ``<name>.py`` and, beside it, the folder of its checkpoint."""

_SCHEDULE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class _Domain:
    """A published domain: names of its modules in a file, its key maps, its loss."""

    name: str
    parts: tuple[str, ...]
    vae: ModuleType
    loss: str
    other_names: Mapping[str, str] = field(default_factory=dict)


_DOMAINS = {
    'occupancy': _Domain('shapes', ('pointnet', 'vaemodel', 'mlp'), shape_vae, 'BCELoss'),
    # Files of the first stage name the autoencoder 'model'.
    'image': _Domain('images', ('vaemodel', 'mlp'), image_vae, 'L1Loss', {'vaemodel': 'model'}),
    'video': _Domain('videos', ('vaemodel', 'mlp'), video_vae, 'L1Loss'),
}


@dataclass(frozen=True)
class Converted:
    """One stage: where it was written, and which weights it holds."""

    config: Path
    checkpoint: Path
    weights: str


@dataclass(frozen=True)
class _Stage:
    name: str
    model: dict[str, Any]
    state: dict[str, Tensor]
    weights: str


def convert(
    checkpoint: str | Path,
    settings: str | Path,
    out: str | Path,
    conv_config: str | Path | None = None,
    *,
    online: bool = False,
) -> list[Converted]:
    """Turn a published checkpoint into configs and checkpoints of this toolkit.

    A stage-1 file gives ``d2c_vae.py``; a stage-2 file, which holds its first stage, gives that and
    ``ddmi.py``. The checkpoints lie in folders of the same names, where the configs look for them.

    Args:
        checkpoint: Published ``.pt`` file of either stage; no code in it is run.
        settings: Its yaml file.
        out: Folder to write into, new or empty.
        conv_config: The second yaml file (shapes), where the first names it by a path that is not
            found.
        online: Take the denoiser's weights of the last iteration in place of the averaged ones.

    Returns:
        The stages written, the first one first.

    Raises:
        FileNotFoundError: A file is missing.
        FileExistsError: ``out`` is not empty.
        ValueError: The files are damaged, of another domain, or do not belong together. Nothing is
            written then.
    """
    out = Path(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FileExistsError(f'{out} exists and is not empty; name a new folder')
    content = load_restricted(checkpoint)
    has_diffusion = isinstance(content, Mapping) and ('diffusion' in content or 'ema' in content)
    meta = read_settings(settings, conv_config, has_diffusion=has_diffusion)
    domain = _DOMAINS[meta['domain']]
    stages = [_first_stage(_autoencoder(content, domain, checkpoint), meta, domain)]
    if has_diffusion:
        stages.append(_second_stage(content, meta, stages[0], domain.vae.PLANES, online))
    for stage in stages:
        _check(stage, checkpoint)
    iters = _count(content, 'current_iters') or _count(content, 'step') or 1
    facts = dict(
        iter=iters, published_file=Path(checkpoint).name, published_epoch=_count(content, 'step')
    )
    return [_write(stage, out, facts, meta['leaf']) for stage in stages]


def _autoencoder(content: Any, domain: _Domain, path: str | Path) -> dict[str, Tensor]:
    """Weights of the first stage, named by their modules."""
    found = set(content) if isinstance(content, Mapping) else set()
    names = {part: part for part in domain.parts}
    names |= {k: v for k, v in domain.other_names.items() if v in found}
    is_shape = 'pointnet' in found
    if not set(names.values()) <= found or is_shape != ('pointnet' in domain.parts):
        raise ValueError(
            f'{path} is no published checkpoint of {domain.name}: expected the keys '
            f'{list(domain.parts)}, found {sorted(map(str, found)) or type(content)}; only shapes '
            f"have a key 'pointnet', and the yaml says which domain it is"
        )
    return {
        f'{part}.{k}': v for part, name in names.items() for k, v in _tensors(content, name).items()
    }


def _first_stage(weights: dict[str, Tensor], meta: Mapping[str, Any], domain: _Domain) -> _Stage:
    model = dict(
        type='D2CVAE',
        **domain.vae.published_config(meta),
        renderer=dict(type='PointRenderer'),
        losses=dict(recon=dict(type=domain.loss)),
    )
    return _Stage(FIRST, model, _mapped(domain.vae.convert_state, weights, meta), 'as trained')


def _second_stage(
    content: Mapping[str, Any],
    meta: Mapping[str, Any],
    first: _Stage,
    planes: Sequence[str],
    online: bool,
) -> _Stage:
    weights, which = _denoiser_weights(content, meta, online)
    config = unet.published_config(meta, planes)
    _check_schedule(weights, config['diffuser']['schedule'])
    state = {f'first_stage.{k}': v for k, v in first.state.items()}
    state |= _mapped(unet.convert_state, weights, meta, planes)
    stats = (1, config['channels'], len(planes))
    state |= dict(latent_mean=torch.zeros(stats), latent_std=torch.ones(stats))
    model = dict(
        type='LatentDiffusion',
        first_stage=first.model,
        denoiser=config['denoiser'],
        diffuser=config['diffuser'],
    )
    return _Stage(SECOND, model, state, which)


def _denoiser_weights(
    content: Mapping[str, Any], meta: Mapping[str, Any], online: bool
) -> tuple[dict[str, Tensor], str]:
    """Averaged weights where there are such that have been updated, and which ones these are."""
    prefix = 'ema_model.'
    ema = _tensors(content, 'ema') if 'ema' in content else {}
    averaged = {k.removeprefix(prefix): v for k, v in ema.items() if k.startswith(prefix)}
    updates = int(ema['step'].item()) if 'step' in ema else None
    is_fresh = updates == 0  # the average still holds what training started from
    if averaged and not is_fresh and not online:
        return _unwrapped(averaged), f'averaged (EMA after {updates} steps)'
    if 'diffusion' not in content:
        raise ValueError(
            "the checkpoint holds no 'diffusion', only 'ema'"
            + ('; convert without --online' if online else ', which was never updated')
        )
    why = 'as asked' if online else 'the average was never updated' if is_fresh else 'no average'
    return _tensors(content, 'diffusion'), f'of the last iteration ({why})'


def _check_schedule(weights: dict[str, Tensor], config: Mapping[str, Any]) -> None:
    """The file holds its noise schedule; ours must be the same."""
    theirs = weights.get('alphas_cumprod')
    if theirs is None:
        return
    ours = MODELS.build(dict(config)).alphas.square()
    error = (ours - theirs).abs().max().item() if ours.shape == theirs.shape else float('inf')
    if not error <= _SCHEDULE_TOLERANCE:
        raise ValueError(
            f'the noise schedule of the checkpoint (alphas_cumprod {tuple(theirs.shape)}) differs '
            f'from {dict(config)} by {error:.2g}; only the published schedule is supported'
        )


def _tensors(content: Mapping[str, Any], part: str) -> dict[str, Tensor]:
    """A state dict of the file, in float32 where it holds floats."""
    state = content[part]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f'{part!r} of the checkpoint is no state dict of tensors')
    state = {k: v.detach().float() if v.is_floating_point() else v for k, v in state.items()}
    return _unwrapped(state)


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without the prefix that a wrapper for several processes adds."""
    return {k.removeprefix('module.'): v for k, v in state.items()}


def _mapped(convert_state: Any, *args: Any) -> dict[str, Tensor]:
    try:
        state = convert_state(*args)
    except KeyError as error:
        raise ValueError(f'the checkpoint lacks the weight {error}') from error
    return {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.items()}


def _check(stage: _Stage, path: str | Path) -> None:
    """Names and shapes must be those of the model, which is built without memory."""
    with torch.device('meta'):
        model = MODELS.build(stage.model)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'for .*: copying from a non-meta parameter')
        load_state_strict(model, stage.state, what=f'{path} with these settings')


def _count(content: Mapping[str, Any], key: str) -> int:
    value = content.get(key, 0)
    return int(value) if isinstance(value, int | float | Tensor) else 0


def _write(stage: _Stage, out: Path, facts: Mapping[str, Any], leaf: str) -> Converted:
    config = out / f'{stage.name}.py'
    path = out / stage.name / f'iter_{facts["iter"]}.pth'
    with replace_atomically(config) as file:
        file.write(_config_text(stage, facts, leaf).encode())
    meta = dict(facts, config_hash=config_hash(load_config(config)), weights=stage.weights)
    with replace_atomically(path) as file:
        torch.save(dict(meta=meta, state_dict=stage.state), file)
    return Converted(config, path, stage.weights)


def _config_text(stage: _Stage, facts: Mapping[str, Any], leaf: str) -> str:
    values: dict[str, Any] = dict(
        _base_=f'ddmi_toolkit::{stage.name}/{leaf}',
        work_dir=f'{{{{ fileDirname }}}}/{stage.name}',
        train_cfg=dict(max_iters=facts['iter']),
    )
    if stage.name == FIRST:
        # What only training needs is left out: the regularizer, the hook that moves its weight, and
        # losses by networks whose weights are a download.
        values |= dict(model=dict(_delete_=True, **stage.model), custom_hooks=[])
    else:
        values['first_stage_config'] = f'{{{{ fileDirname }}}}/{FIRST}.py'
        values |= {k: dict(_delete_=True, **stage.model[k]) for k in ('denoiser', 'diffuser')}
    lines = [f'{k} = {pprint.pformat(v, width=96, sort_dicts=False)}' for k, v in values.items()]
    title = f'"""Published weights of {facts["published_file"]!r}, {stage.weights}."""'
    return '\n'.join([title, '', *lines, ''])
