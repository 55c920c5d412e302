"""Networks that are used but never trained, and where their weights come from."""

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

KEEPS = ('weights', 'fingerprint', 'nothing')


class Frozen(nn.Module):
    """A network in evaluation mode for good, whose parameters take no gradient.

    Gradients still pass through it to its inputs.

    Args:
        module: The network.
        keep: What a checkpoint holds of it: its ``'weights'``; a ``'fingerprint'``, so that
            loading fails when the weights, which come from a file of their own, have changed; or
            ``'nothing'``. In each case checkpoints load strictly.

    Raises:
        ValueError: An unknown ``keep``.
    """

    def __init__(self, module: nn.Module, keep: str = 'weights') -> None:
        super().__init__()
        if keep not in KEEPS:
            raise ValueError(f'keep must be one of {list(KEEPS)}, got {keep!r}')
        self.module = module.requires_grad_(False)
        self.keep = keep
        if keep == 'fingerprint':
            self.register_buffer('fingerprint', fingerprint(module))
        if keep != 'weights':
            # a hook, for mmengine writes checkpoints without asking the children's state_dict()
            self.register_state_dict_post_hook(_leave_out_weights)
        self.train(False)

    def forward(self, *args: Any) -> Any:
        """Output of the network."""
        return self.module(*args)

    def train(self, mode: bool = True) -> 'Frozen':
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        error_messages = args[-1]
        if self.keep == 'fingerprint':
            theirs = state_dict.get(f'{prefix}fingerprint')
            if _differ(theirs, self.fingerprint):
                error_messages.append(
                    f'{prefix}fingerprint is {int(theirs)} in the file and {int(self.fingerprint)} '
                    f'here: the model was trained with other weights of this frozen network; '
                    f'name the same weights file'
                )
        if self.keep != 'weights':  # the loader finds what is already here
            own = self.module.state_dict(prefix=f'{prefix}module.')
            state_dict.update({k: v for k, v in own.items() if k not in state_dict})
        super()._load_from_state_dict(state_dict, prefix, *args)


def _leave_out_weights(
    module: Frozen, state_dict: dict[str, Tensor], prefix: str, metadata: dict[str, Any]
) -> None:
    for key in [k for k in state_dict if k.startswith(f'{prefix}module.')]:
        del state_dict[key]


def fingerprint(module: nn.Module) -> Tensor:
    """Checksum of all weights, int64 scalar; 0 on the meta device."""
    total = 0
    for value in module.state_dict().values():
        if value.is_meta:
            return torch.zeros((), dtype=torch.int64)
        flat = value.detach().cpu().contiguous().flatten()
        total = zlib.crc32(flat.view(torch.uint8).numpy(), total)
    return torch.tensor(total, dtype=torch.int64)


def _differ(a: Tensor | None, b: Tensor) -> bool:
    return a is not None and not a.is_meta and not b.is_meta and int(a) != int(b)


def require_file(path: str | Path, remedy: str) -> Path:
    """The path of an existing file.

    Args:
        path: The file.
        remedy: How to get it, for the message.

    Raises:
        FileNotFoundError: It does not exist.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'weights file {path} does not exist; {remedy}')
    return path


@cache
def warn_random(what: str, network: str) -> None:
    """Log, once per process and network, that random weights are in use."""
    print_log(
        f'{what}: {network!r} has random weights (pretrained=None), so its values are not '
        f'comparable with any published number; name a weights file',
        logger='current',
        level=logging.WARNING,
    )


@contextmanager
def fixed_initialization() -> Iterator[None]:
    """Random weights that are the same in every process and leave the global state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def is_meta() -> bool:
    """Whether modules are being built without storage, so that no file shall be read."""
    return torch.get_default_device().type == 'meta'
