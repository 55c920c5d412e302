"""Configs that a file can hold, since fields are saved with what rebuilds their evaluator."""

from collections.abc import Mapping
from typing import Any


def plain(config: Any) -> Any:
    """Config values as plain data that json can write.

    Raises:
        TypeError: Something else than data, e.g. a built module.
    """
    if isinstance(config, Mapping):
        return {str(k): plain(v) for k, v in config.items()}
    if isinstance(config, list | tuple):
        return [plain(v) for v in config]
    if config is None or isinstance(config, bool | int | float | str):
        return config
    raise TypeError(
        f'what evaluates a field is configured by plain data, got {type(config).__name__}; '
        f"give dict(type='...') so that fields can be saved"
    )
