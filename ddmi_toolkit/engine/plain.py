"""Training state as plain data: tensors, containers, numbers and strings.

Files of plain data are read with ``weights_only=True``, i.e. without running what they hold.
"""

import random
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

_ATOMS = (bool, int, float, complex, str, bytes, type(None), torch.Size, torch.dtype, torch.device)


def to_plain(value: Any, where: str) -> Any:
    """A copy of nested containers in which numpy values are numbers and tensors.

    Args:
        value: Containers of tensors, numbers, strings and numpy values.
        where: Name of the value, for messages.

    Raises:
        TypeError: Something else is in it; the message says where.
    """
    if isinstance(value, np.generic):  # before the atoms: np.float64 is a float
        return value.item()
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(value.copy())
    if isinstance(value, Mapping):
        items = {to_plain(k, where): to_plain(v, f'{where}.{k}') for k, v in value.items()}
        return OrderedDict(items) if isinstance(value, OrderedDict) else items
    if isinstance(value, list | tuple):
        items = [to_plain(v, f'{where}[{i}]') for i, v in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    raise TypeError(
        f'{where} is a {type(value).__module__}.{type(value).__qualname__}; checkpoints hold '
        f'tensors, containers, numbers and strings only'
    )


def plain_message_hub(state: Mapping[str, Any], keep: int) -> dict[str, Any]:
    """State of mmengine's message hub as plain data.

    Args:
        state: ``MessageHub.state_dict()``.
        keep: Latest entries to keep of each logged quantity. Runtime information that is not
            plain (a metric may log anything) is left out.
    """
    scalars = {
        name: dict(
            log=torch.as_tensor(np.asarray(buffer.data[0][-keep:], dtype=np.float64)),
            count=torch.as_tensor(np.asarray(buffer.data[1][-keep:], dtype=np.int64)),
        )
        for name, buffer in state['log_scalars'].items()
    }
    info = {}
    for name, value in state['runtime_info'].items():
        try:
            info[name] = to_plain(value, name)
        except TypeError:
            continue
    kept = scalars.keys() | info.keys()
    resumed = {k: bool(v) for k, v in state['resumed_keys'].items() if k in kept}
    return dict(log_scalars=scalars, runtime_info=info, resumed_keys=resumed)


def message_hub_from_plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of :func:`plain_message_hub`, as ``MessageHub.load_state_dict`` takes it."""
    scalars = {
        name: HistoryBuffer(entry['log'].cpu().numpy(), entry['count'].cpu().numpy())
        if isinstance(entry, Mapping)
        else entry
        for name, entry in state['log_scalars'].items()
    }
    return dict(
        log_scalars=OrderedDict(scalars),
        runtime_info=OrderedDict(state['runtime_info']),
        resumed_keys=OrderedDict(state['resumed_keys']),
    )


def get_rng_state() -> dict[str, Any]:
    """Global random states of torch, numpy and Python as plain data."""
    name, keys, *rest = np.random.get_state()
    return dict(
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        numpy=(name, torch.from_numpy(keys.astype(np.int64)), *rest),
        python=random.getstate(),
    )


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Restore what :func:`get_rng_state` returned; devices that are absent are passed over."""
    torch.set_rng_state(state['torch'].cpu())
    for device, cuda in enumerate(state['cuda'][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(cuda.cpu(), device)
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    version, internal, gauss = state['python']
    random.setstate((version, tuple(internal), gauss))
