"""Several processes, on GPUs (nccl) or without any (gloo)."""

import atexit
import os
from datetime import timedelta
from typing import Any

import torch
import torch.distributed
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from ..registry import MODEL_WRAPPERS


def init_distributed(timeout_minutes: float = 60.0) -> bool:
    """Join the process group that ``torchrun`` describes in the environment.

    To be called before a runner is built with ``launcher='pytorch'``: mmengine itself asks for a
    GPU even where the processes talk through gloo. The group is left when the process ends.

    Args:
        timeout_minutes: How long processes wait for each other before they give up.

    Returns:
        Whether there are several processes (or one under ``torchrun``).

    Raises:
        RuntimeError: There are more processes than GPUs on this machine.
    """
    if torch.distributed.is_initialized():
        return True
    if 'RANK' not in os.environ or 'WORLD_SIZE' not in os.environ:
        return False
    backend = 'gloo'
    if torch.cuda.is_available():
        backend, local, count = 'nccl', int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
        if local >= count:
            raise RuntimeError(
                f'process {local} of this machine has no GPU of its own: there are {count}; start '
                f'at most {count} processes, or set CUDA_VISIBLE_DEVICES= to train on the CPU'
            )
        torch.cuda.set_device(local)
    torch.distributed.init_process_group(backend, timeout=timedelta(minutes=timeout_minutes))
    atexit.register(_leave)
    return True


@MODEL_WRAPPERS.register_module()
class DistributedModel(MMDistributedDataParallel):
    """mmengine's wrapper, for models with several optimizers too: they order their own updates."""

    def train_step(
        self, data: Any, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """One iteration; the forward pass goes through this wrapper."""
        if isinstance(optim_wrapper, OptimWrapperDict):
            return self.module.train_step(data, optim_wrapper, forward=self)
        return super().train_step(data, optim_wrapper)


def wrapper_config() -> dict[str, Any]:
    """Value of ``model_wrapper_cfg`` for this machine: as mmengine's default, or for the CPU.

    Buffers are not broadcast: they follow from weights and seeds, which agree on all processes.
    """
    config: dict[str, Any] = dict(type='ddmi_toolkit.DistributedModel', broadcast_buffers=False)
    if not torch.cuda.is_available():
        config['device_ids'] = None
    return config


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
