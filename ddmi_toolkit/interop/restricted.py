"""Reading published ``.pt`` files, which hold arbitrary Python objects, without running them."""

import pickle
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

# Functions and types that plain tensor data needs; everything else becomes a Placeholder.
_ALLOWED: dict[tuple[str, str], Any] = {
    ('collections', 'OrderedDict'): OrderedDict,
    ('torch', 'Size'): torch.Size,
    ('torch', 'device'): torch.device,
    ('torch.nn.parameter', 'Parameter'): torch.nn.Parameter,
    ('torch._utils', '_rebuild_tensor_v2'): torch._utils._rebuild_tensor_v2,
    ('torch._utils', '_rebuild_parameter'): torch._utils._rebuild_parameter,
}
_ALLOWED |= {
    ('torch', name): getattr(torch, name)
    for name in 'float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool'.split()
}
# torch's own reader maps these names to storage types before our class is asked; listed for the
# old, non-zip format.
_ALLOWED |= {
    ('torch', name): getattr(torch, name)
    for name in 'FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage '
    'ShortStorage CharStorage ByteStorage BoolStorage'.split()
}


class Placeholder:
    """Stands for an object of a type that is not rebuilt; it does nothing.

    ``origin`` names the type that the file asked for.
    """

    origin = ''

    def __new__(cls, *args: Any, **kwargs: Any) -> 'Placeholder':
        """Accept any arguments, as the pickled type did."""
        return object.__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> 'Placeholder':
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """Ignore an item of a pickled list type."""

    def extend(self, items: Any) -> None:
        """Ignore the items of a pickled list type."""

    def __repr__(self) -> str:
        return f'<placeholder for {self.origin}>'


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        return type('Placeholder', (Placeholder,), dict(origin=f'{module}.{name}'))


def _load(file: Any, **kwargs: Any) -> Any:
    return _Unpickler(file, **kwargs).load()


_PICKLE = types.SimpleNamespace(
    Unpickler=_Unpickler, load=_load, __name__='restricted', UnpicklingError=pickle.UnpicklingError
)


def load_restricted(path: str | Path) -> Any:
    """Contents of a torch file: tensors, containers and numbers; all else is inert.

    No code of the file is run: a global that is not on a short list of tensor constructors becomes
    a :class:`Placeholder`. Tensors are mapped from the file and read when they are used.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged or no torch file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        return torch.load(
            path,
            map_location='cpu',
            pickle_module=_PICKLE,
            weights_only=False,
            mmap=zipfile.is_zipfile(path),  # files hold optimizers, several times the weights
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, AttributeError) as error:
        raise ValueError(f'{path} is not a readable torch checkpoint: {error}') from error
