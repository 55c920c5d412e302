"""What mmengine needs to run on current versions of torch.

mmengine 0.10 calls :func:`torch.load` without ``weights_only``, mmengine 0.11 with
``weights_only=False``, which lets a file run code. Both read local checkpoints through
:class:`mmengine.runner.CheckpointLoader`; its loader is replaced by one that reads plain data only.
"""

import importlib.abc
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_TARGET = 'mmengine.runner.checkpoint'


def install() -> None:
    """Prepare mmengine for use; called once on import.

    Costs nothing until ``mmengine.runner`` is imported, by whomever.
    """
    if _TARGET in sys.modules:
        _use_safe_loader(sys.modules[_TARGET])
    elif not any(isinstance(f, _AfterImport) for f in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a local checkpoint that holds tensors, containers, numbers and strings.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: The file holds other Python objects.
    """
    import torch  # noqa: PLC0415, RUF100  imported with mmengine.runner at the latest

    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    return torch.load(path, map_location=map_location, weights_only=True)


def _use_safe_loader(module: ModuleType) -> None:
    module.CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)


class _AfterImport(importlib.abc.MetaPathFinder):
    """Replaces the loader right after ``mmengine.runner.checkpoint`` has been imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != _TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _use_safe_loader(module)

        loader.exec_module = exec_module
        return spec
