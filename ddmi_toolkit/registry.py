"""Registry nodes of the ``ddmi_toolkit`` scope, children of mmengine's nodes."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import mmengine.registry as root
from mmengine.registry import Registry
from torch import nn

SCOPE = 'ddmi_toolkit'

# mmengine's node -> packages whose import registers our classes.
_LOCATIONS: dict[str, list[str]] = dict(
    MODELS=[f'{SCOPE}.models'],
    DATASETS=[f'{SCOPE}.datasets'],
    TRANSFORMS=[f'{SCOPE}.datasets'],
    METRICS=[f'{SCOPE}.evaluation'],
    HOOKS=[f'{SCOPE}.engine'],
    LOOPS=[f'{SCOPE}.engine'],
    DATA_SAMPLERS=[f'{SCOPE}.engine'],
    OPTIM_WRAPPERS=[f'{SCOPE}.engine'],
    OPTIM_WRAPPER_CONSTRUCTORS=[f'{SCOPE}.engine'],
    MODEL_WRAPPERS=[f'{SCOPE}.engine'],
    LOG_PROCESSORS=[f'{SCOPE}.engine'],
    VISUALIZERS=[f'{SCOPE}.visualization'],
)
# Nodes that the Runner searches in the default scope; a missing child prints a warning per run.
_SILENT = (
    'VISBACKENDS',
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'OPTIMIZERS',
    'PARAM_SCHEDULERS',
    'WEIGHT_INITIALIZERS',
    'EVALUATOR',
    'FUNCTIONS',
    'INFERENCERS',
    'STRATEGIES',
    'TASK_UTILS',
)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class RoleRegistry(Registry):
    """A registry whose ``build`` can demand a role and whose errors name the remedy.

    ``default_args`` are offers: a class is given those that its ``__init__`` names.
    """

    def build(self, cfg: Any, *args: Any, role: type | str | None = None, **kwargs: Any) -> Any:
        """Build an object from its config.

        Args:
            cfg: ``dict(type=..., **arguments)``; an object that is already built is returned.
            *args: Passed on to mmengine.
            role: Class that the result must be an instance of, or its name: models name the
                roles of their children, since rooms may not import each other.
            **kwargs: Passed on to mmengine, e.g. ``default_args``.

        Raises:
            ValueError: The type is unknown; the message lists near names.
            TypeError: The type has another role, lacks a required argument or has no argument of
                that name.
        """
        if not isinstance(cfg, dict):
            if role is not None and _has_role(type(cfg), role):
                return cfg
            return super().build(cfg, *args, **kwargs)
        offers = kwargs.pop('default_args', None) or {}
        cls = self._class(cfg.get('type', offers.get('type')), cfg)
        if role is not None:
            self._check_role(cls, role)
        accepted = _accepted(cls, cfg, offers)
        return super().build(cfg, *args, default_args=accepted or None, **kwargs)

    def check(self, cfg: Any, offered: Iterable[str] = ()) -> None:
        """Raise what :meth:`build` would say of a config's type and names of arguments.

        Nothing is built. For what mmengine builds by itself: its message says neither what an
        argument might have been nor how to go on.

        Args:
            cfg: As for :meth:`build`; what is built already is left alone.
            offered: Names of arguments that mmengine adds.

        Raises:
            ValueError, TypeError: As :meth:`build`.
        """
        if isinstance(cfg, Mapping):
            _accepted(self._class(cfg.get('type'), dict(cfg)), dict(cfg), dict.fromkeys(offered))

    def names(self, role: type | str) -> list[str]:
        """Registered names that have a role."""
        self.import_from_location()
        return sorted(
            n for n, c in self.module_dict.items() if isinstance(c, type) and _has_role(c, role)
        )

    def _class(self, name: Any, cfg: dict) -> Any:
        if name is None:
            raise ValueError(f"{self.name}: config {dict(cfg)} has no 'type'")
        return self._find(name) if isinstance(name, str) else name

    def _check_role(self, cls: Any, role: type | str) -> None:
        if isinstance(cls, type) and not _has_role(cls, role):
            is_a = [c.__name__ for c in cls.__mro__ if c.__name__.startswith('Abstract')]
            raise TypeError(
                f'{cls.__name__!r} is {is_a[0] if is_a else "of no role"}, expected '
                f'{role if isinstance(role, str) else role.__name__}: one of {self.names(role)}'
            )

    def _find(self, name: str) -> Any:
        try:
            found = self.get(name)
        except RuntimeError:  # mmengine could not import a dotted name
            found = None
        if found is None:
            known = sorted(self.module_dict)
            raise ValueError(
                f'{self.name} has no type {name!r}{_did_you_mean(name, known)}; known: {known}. '
                f'A class of your own is found when custom_imports lists its module'
            )
        return found


def _accepted(cls: Any, cfg: dict, offers: dict) -> dict:
    """Check the arguments of a config; return the offers that its class takes."""
    parameters = _parameters(cls)
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {k: p for k, p in parameters.items() if p.kind in _NAMED}
    unknown = sorted(set(cfg) - set(named) - {'type', '_scope_'})
    if unknown and not is_open:
        raise TypeError(
            f'{cls.__name__!r} has no argument {", ".join(map(repr, unknown))}'
            f'{_did_you_mean(unknown[0], named)}; it takes {sorted(named)}. '
            f'When a config changes a type, _delete_=True drops the old arguments'
        )
    required = [k for k, p in named.items() if p.default is p.empty]
    if missing := [k for k in required if k not in cfg and k not in offers]:
        raise TypeError(
            f'{cls.__name__!r} needs {", ".join(map(repr, missing))}, which its config does not '
            f'set; it takes {sorted(named)}'
        )
    return {k: v for k, v in offers.items() if is_open or k in named or k == 'type'}


def _parameters(cls: Any) -> Mapping[str, inspect.Parameter]:
    if getattr(cls, '__init__', None) is nn.Module.__init__:
        return {}  # its *args and **kwargs only lead to an error
    return inspect.signature(cls).parameters


def _has_role(cls: type, role: type | str) -> bool:
    if isinstance(role, str):
        return any(c.__name__ == role for c in cls.__mro__)
    return issubclass(cls, role)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=2, cutoff=0.5)
    return f' (did you mean {" or ".join(map(repr, near))}?)' if near else ''


def _child(name: str) -> RoleRegistry:
    parent = getattr(root, name)
    return RoleRegistry(
        parent.name,
        parent=parent,
        scope=SCOPE,
        locations=_LOCATIONS.get(name, []),
    )


MODELS = _child('MODELS')
DATASETS = _child('DATASETS')
TRANSFORMS = _child('TRANSFORMS')
METRICS = _child('METRICS')
HOOKS = _child('HOOKS')
LOOPS = _child('LOOPS')
DATA_SAMPLERS = _child('DATA_SAMPLERS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
VISUALIZERS = _child('VISUALIZERS')
_OTHERS = {name: _child(name) for name in _SILENT}
