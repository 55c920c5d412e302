"""Reading configurations: inheritance, the link between the stages, and early checks."""

import ast
import copy
import difflib
import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from .fractions import resolve_fractions
from .hashing import config_hash

PREFIX = 'ddmi_toolkit::'
WORK_DIRS = 'work_dirs'

RUNNER_KEYS = frozenset(
    'model work_dir train_dataloader val_dataloader test_dataloader train_cfg val_cfg test_cfg '
    'optim_wrapper param_scheduler val_evaluator test_evaluator default_hooks custom_hooks '
    'load_from resume launcher env_cfg log_processor log_level visualizer default_scope '
    'randomness experiment_name model_wrapper_cfg compile custom_imports'.split()
)
# Read by this module: the link to stage 1, the families that `model` is made of, what generation is
# evaluated with and by whom, the cache of latents, and values that several places share.
OUR_KEYS = frozenset(
    'first_stage_config first_stage generator denoiser diffuser generation generates latent_cache '
    'data_root'.split()
)


def configs_root() -> Path:
    """Folder of the shipped configs: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / 'configs'
    return installed if installed.is_dir() else package.parent / 'configs'


def find_config(name: str | Path, near: Path | None = None) -> Path:
    """The file that a config name means.

    Args:
        name: A path; a path below the shipped configs, with or without ``ddmi_toolkit::``.
        near: A config file; a relative name is first looked up in its parent folders.

    Raises:
        FileNotFoundError: No such file; the message lists near names.
    """
    text = str(name)
    relative = text.removeprefix(PREFIX)
    places = [configs_root() / relative]
    if text == relative:
        below = near.resolve().parents if near is not None else ()
        places = [Path(relative), *(p / relative for p in below), *places]
    for place in places:
        if place.is_file():
            return place.resolve()
    known = [str(p.relative_to(configs_root())) for p in configs_root().rglob('*.py')]
    close = difflib.get_close_matches(relative.removeprefix('configs/'), known, n=3, cutoff=0.4)
    hint = f'did you mean {" or ".join(close)}?' if close else f'{configs_root()} lists all configs'
    raise FileNotFoundError(f'config {text!r} does not exist; {hint}')


def load_config(name: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """A complete config, ready for a runner.

    A stage-2 leaf names its stage-1 leaf by ``first_stage_config``; the model, the data sets and
    the evaluation of that leaf are taken over, so that a change of stage 1 reaches stage 2. A
    ``generator`` beside the model of a stage-1 leaf replaces the model's. A model of one stage that
    generates (``generates = True``) is evaluated as stage 2 would be. Floats in the lengths of
    ``param_scheduler`` are fractions of the run.

    Args:
        name: See :func:`find_config`.
        options: Overrides by dotted key, applied last. Those of ``first_stage.`` go to the stage-1
            config: ``{'first_stage.train_cfg.max_iters': 100}``.

    Raises:
        FileNotFoundError: The config or one of its bases does not exist.
        KeyError: A top-level key is unknown, or names a part that belongs into ``model``.
        ValueError: The config or one of its bases is no Python.
    """
    path = find_config(name)
    cfg = read_config(path)
    options = copy.deepcopy(dict(options or {}))  # merging takes _delete_ out of its input
    is_resolved = 'first_stage' in cfg
    if 'first_stage_config' in options and not is_resolved:
        cfg.first_stage_config = options.pop('first_stage_config')
    _check_keys(cfg, path)
    if 'generator' in cfg:
        _replace_generator(cfg, path)
    if cfg.get('generates'):
        _evaluate_generation(cfg, path)
    if cfg.get('first_stage_config') is not None and not is_resolved:
        prefix = 'first_stage.'
        first = {k: options.pop(k) for k in list(options) if k.startswith(prefix)}
        _join_stages(cfg, path, {k.removeprefix(prefix): v for k, v in first.items()})
    _check_options(options, cfg, is_resolved)
    cfg.merge_from_dict(options)
    _check_keys(cfg, path)
    _check_complete(cfg, path)
    _cache_latents(cfg)
    resolve_fractions(cfg)
    cfg.setdefault('work_dir', str(Path(WORK_DIRS) / config_name(path)))
    cfg.setdefault('experiment_name', config_name(path).replace('/', '_'))
    return cfg


def read_config(path: Path) -> Config:
    """What a config file and its bases say, as it stands there; ``_base_`` may name shipped ones.

    Raises:
        FileNotFoundError: A base does not exist.
        ValueError: The file or one of its bases is no Python; the message names file and line.
    """
    _check_syntax(path)
    with _package_bases():
        return Config.fromfile(path)


def config_name(path: str | Path) -> str:
    """``ddmi/shapenet_chair`` for any ``.../ddmi/shapenet_chair.py``."""
    path = Path(path)
    return f'{path.parent.name}/{path.stem}'


_RUNS = itertools.count()


def run_name(cfg: Config) -> str:
    """Name of a run that no other run of this process has, as mmengine demands."""
    return f'{cfg.experiment_name}_{next(_RUNS)}'


@contextmanager
def _package_bases() -> Iterator[None]:
    """Let ``_base_`` name shipped configs; mmengine knows only its own list of packages."""
    original = Config._get_cfg_path

    def resolve(base: str, filename: str) -> tuple[str, str | None]:
        scope: str | None = None
        if base.startswith(PREFIX):
            path = str(find_config(base))
        else:
            path, scope = original(base, filename)
        if not os.path.isfile(path):
            raise FileNotFoundError(f'{filename} names the base {base!r}: {path} does not exist')
        _check_syntax(Path(path))
        return path, scope

    Config._get_cfg_path = staticmethod(resolve)
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(original)


def _check_syntax(path: Path) -> None:
    """Refuse what is no Python here: mmengine's message names neither a base nor its line."""
    if path.suffix != '.py':
        return
    try:
        ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise ValueError(
            f'{path}, line {error.lineno}: {error.msg}; expected a config file in Python'
        ) from error


def _check_keys(cfg: Config, path: Path) -> None:
    known = RUNNER_KEYS | OUR_KEYS
    for key in cfg:
        if key in known:
            continue
        if 'scales' in cfg:
            raise KeyError(f'{path.name} is a study of configs: python tools/ablate.py {path}')
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        hint = f'did you mean {near[0]!r}?' if near else f'known keys: {sorted(known)}'
        raise KeyError(f'{path.name}: unknown top-level key {key!r}; {hint}')


def _check_complete(cfg: Config, path: Path) -> None:
    """Every leaf has what both tools need."""
    needed = dict(
        model='a base of _base_/models, or first_stage_config',
        train_dataloader='a base of _base_/datasets',
        train_cfg='a base of _base_/schedules',
        optim_wrapper='a base of _base_/schedules',
        default_hooks='_base_/default_runtime.py',
    )
    for key, base in needed.items():
        if key not in cfg:
            raise KeyError(f'{path.name} has no {key}; add {base}')
    if 'max_iters' not in cfg.train_cfg:
        raise KeyError(f'{path.name} has no train_cfg.max_iters; state the length of the run')


def _check_options(options: Mapping[str, Any], cfg: Config, is_resolved: bool) -> None:
    """Refuse options that would change nothing."""
    for key in options:
        family = key.split('.')[0]
        wrong = f'option {key}: '
        if is_resolved and family in ('first_stage', 'first_stage_config', 'latent_cache'):
            raise KeyError(f'{wrong}this config is a dump, complete already; use its leaf')
        if family == 'first_stage':
            raise KeyError(f'{wrong}this config has no first stage; use {key.partition(".")[2]}')
        if family in ('generator', 'denoiser', 'diffuser'):
            raise KeyError(f'{wrong}use model.{key}')
        if family == 'data_root':
            raise KeyError(f'{wrong}the bases have used it; set the dataset.root of each loader')
        if family == 'generation':
            raise KeyError(f'{wrong}use {key.partition(".")[2]} on the stage-2 config')
        if key.startswith('model.first_stage.'):
            right = key.replace('model.first_stage', 'first_stage.model')
            raise KeyError(
                f'{wrong}the first stage comes from {cfg.get("first_stage_config")!r}; use {right}'
            )


def _replace_generator(cfg: Config, path: Path) -> None:
    """Let a base of generators take the place of the one that the model came with."""
    if cfg.get('model', {}).get('type') != 'D2CVAE':
        raise KeyError(
            f'{path.name} has a generator, but no D2CVAE that it belongs to; a config of stage 2 '
            f'takes it from the config of its first stage'
        )
    cfg.model.generator = cfg.pop('generator')


def _evaluate_generation(cfg: Config, path: Path) -> None:
    """Test what a model of one stage generates; it reconstructs nothing that could be validated."""
    if 'generation' not in cfg or cfg.get('first_stage_config') is not None:
        raise KeyError(
            f'{path.name} has generates=True, which is of models of one stage on a data base that '
            f'has a generation; add such a base of _base_/datasets, or leave it out'
        )
    for part in ('dataloader', 'evaluator', 'cfg'):
        cfg.pop(f'val_{part}', None)
    for key, value in cfg.generation.items():
        cfg[key] = copy.deepcopy(value)
    cfg.generates = False  # a dump of this config is complete


def _join_stages(cfg: Config, path: Path, options: dict[str, Any]) -> None:
    """Complete a stage-2 config by its first stage's model, data and evaluation."""
    first_path = find_config(cfg.first_stage_config, near=path)
    first = load_config(first_path, options)
    for family in ('denoiser', 'diffuser'):
        if family not in cfg:
            raise KeyError(f'{path.name} names a first stage but no {family}; add a base of it')
    model = ConfigDict(
        type='LatentDiffusion',
        first_stage=first.model,
        denoiser=cfg.pop('denoiser'),
        diffuser=cfg.pop('diffuser'),
    )
    cfg.model = Config._merge_a_into_b(cfg.get('model', ConfigDict()), model)
    cfg.first_stage = dict(
        config=str(first_path),
        options=options,
        work_dir=first.work_dir,
        hash=config_hash(first),
    )
    cfg.train_dataloader = Config._merge_a_into_b(
        cfg.get('train_dataloader', ConfigDict()), first.train_dataloader
    )
    for key, value in first.get('generation', {}).items():
        own = cfg.get(key)
        merge = isinstance(own, Mapping) and isinstance(value, Mapping)
        cfg[key] = Config._merge_a_into_b(own, value) if merge else (own or value)
    for key in ('data_root', 'custom_imports'):
        if key in first:
            cfg.setdefault(key, first[key])


def _cache_latents(cfg: Config) -> None:
    """Let stage 2 read cached posterior moments in place of encoding its data."""
    cache = cfg.get('latent_cache')
    if cache is None or 'first_stage' not in cfg:
        return
    dataset = cfg.train_dataloader.dataset
    if dataset.type != 'LatentCache':
        # Beside the weights that the latents belong to.
        place = dict(cache_dir=str(Path(cfg.first_stage.work_dir) / 'latents'))
        cfg.train_dataloader.dataset = dict(
            type='LatentCache', dataset=dataset, **{**place, **cache}
        )
