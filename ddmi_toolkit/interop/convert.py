"""Published checkpoints and their yaml files as our configs and checkpoints."""

import pprint
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..apis.config import config_hash, load_config
from ..registry import MODELS
from ..utils import load_state_strict, replace_atomically
from . import shape_vae, unet
from .restricted import load_restricted
from .settings import read_settings

FIRST, SECOND = 'd2c_vae', 'ddmi'
"""Names of the files written: ``<name>.py`` and, beside it, the folder of its checkpoint."""

_STAGE1_PARTS = ('pointnet', 'vaemodel', 'mlp')
_SCHEDULE_TOLERANCE = 1e-5


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
    """Turn a published checkpoint of shapes into configs and checkpoints of this toolkit.

    A stage-1 file gives ``d2c_vae.py``; a stage-2 file, which holds its first stage, gives that and
    ``ddmi.py``. The checkpoints lie in folders of the same names, where the configs look for them.

    Args:
        checkpoint: Published ``.pt`` file of either stage; no code in it is run.
        settings: Its yaml file.
        out: Folder to write into, new or empty.
        conv_config: The second yaml file, where the first names it by a path that is not found.
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
    content = _read_checkpoint(checkpoint)
    has_diffusion = 'diffusion' in content or 'ema' in content
    meta = read_settings(settings, conv_config, has_diffusion=has_diffusion)
    stages = [_first_stage(content, meta)]
    if has_diffusion:
        stages.append(_second_stage(content, meta, stages[0], online))
    for stage in stages:
        _check(stage, checkpoint)
    iters = _count(content, 'current_iters') or _count(content, 'step') or 1
    facts = dict(
        iter=iters, published_file=Path(checkpoint).name, published_epoch=_count(content, 'step')
    )
    return [_write(stage, out, facts, meta['classes']) for stage in stages]


def _read_checkpoint(path: str | Path) -> Mapping[str, Any]:
    content = load_restricted(path)
    if not isinstance(content, Mapping) or not set(_STAGE1_PARTS) <= set(content):
        found = sorted(map(str, content)) if isinstance(content, Mapping) else type(content)
        raise ValueError(
            f'{path} is no published checkpoint of shapes: expected the keys '
            f'{list(_STAGE1_PARTS)}, found {found}; files of other domains (images have a key '
            f"'model', videos no 'pointnet') are not supported yet"
        )
    return content


def _first_stage(content: Mapping[str, Any], meta: Mapping[str, Any]) -> _Stage:
    weights = {f'{p}.{k}': v for p in _STAGE1_PARTS for k, v in _tensors(content, p).items()}
    model = dict(
        type='D2CVAE',
        **shape_vae.published_config(meta),
        renderer=dict(type='PointRenderer'),
        losses=dict(recon=dict(type='BCELoss')),
    )
    state = _mapped(shape_vae.convert_state, weights, meta)
    return _Stage(FIRST, model, state, 'as trained')


def _second_stage(
    content: Mapping[str, Any], meta: Mapping[str, Any], first: _Stage, online: bool
) -> _Stage:
    weights, which = _denoiser_weights(content, meta, online)
    config = unet.published_config(meta, shape_vae.PLANES)
    _check_schedule(weights, config['diffuser']['schedule'])
    state = {f'first_stage.{k}': v for k, v in first.state.items()}
    state |= _mapped(unet.convert_state, weights, meta, shape_vae.PLANES)
    stats = (1, config['channels'], len(shape_vae.PLANES))
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


def _write(stage: _Stage, out: Path, facts: Mapping[str, Any], classes: Any) -> Converted:
    config = out / f'{stage.name}.py'
    path = out / stage.name / f'iter_{facts["iter"]}.pth'
    with replace_atomically(config) as file:
        file.write(_config_text(stage, facts, classes).encode())
    meta = dict(facts, config_hash=config_hash(load_config(config)), weights=stage.weights)
    with replace_atomically(path) as file:
        torch.save(dict(meta=meta, state_dict=stage.state), file)
    return Converted(config, path, stage.weights)


def _config_text(stage: _Stage, facts: Mapping[str, Any], classes: Any) -> str:
    leaf = 'shapenet_13.py' if classes is None else 'shapenet_chair.py'
    values: dict[str, Any] = dict(
        _base_=f'ddmi_toolkit::{stage.name}/{leaf}',
        work_dir=f'{{{{ fileDirname }}}}/{stage.name}',
        train_cfg=dict(max_iters=facts['iter']),
    )
    if stage.name == FIRST:
        # No spectral regularizer, hence no hook that moves its weight: only training needs it.
        values |= dict(model=dict(_delete_=True, **stage.model), custom_hooks=[])
    else:
        values['first_stage_config'] = f'{{{{ fileDirname }}}}/{FIRST}.py'
        values |= {k: dict(_delete_=True, **stage.model[k]) for k in ('denoiser', 'diffuser')}
    lines = [f'{k} = {pprint.pformat(v, width=96, sort_dicts=False)}' for k, v in values.items()]
    title = f'"""Published weights of {facts["published_file"]!r}, {stage.weights}."""'
    return '\n'.join([title, '', *lines, ''])
