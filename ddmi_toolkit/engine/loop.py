"""Training by iterations, resumable at any of them."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.runner.base_loop import BaseLoop
from torch.utils.data import DataLoader

from ..registry import LOOPS
from ..structures import mix_seed

_STREAM = int.from_bytes(b'loop', 'big')  # apart from the seeds of samples


def seed_everything(*parts: int) -> None:
    """Set the global random states of torch (all devices), numpy and Python from integers."""
    seed = mix_seed(*parts)
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@LOOPS.register_module()
class SeededTrainLoop(BaseLoop):
    """Iterations that depend on the run's seed, the weights and their own number alone.

    The global random states are set from (run seed, iteration, process) before each iteration.
    So whatever draws from them (dropout, say) is the same after an interruption, with any number
    of workers and with or without validation in between. A resumed run starts its sampler where
    it stopped and reads no old batch.

    Args:
        runner: Runner of the loop.
        dataloader: Its config; the sampler must be able to ``skip``, as
            :class:`SeededInfiniteSampler` is.
        max_iters: Iterations of the whole run.
        val_interval: Iterations between validations; the end of the run is always validated.
        val_begin: First iteration that is validated after.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_interval: int = 1000,
        val_begin: int = 1,
    ) -> None:
        if max_iters < 1 or max_iters != int(max_iters):
            raise ValueError(f'train_cfg.max_iters must be a positive integer, got {max_iters}')
        super().__init__(runner, dataloader)
        if not hasattr(self.dataloader.sampler, 'skip'):
            raise ValueError(
                f'sampler {type(self.dataloader.sampler).__name__} cannot skip, so that the run '
                f'could not be resumed; use train_dataloader.sampler='
                f"dict(type='SeededInfiniteSampler')"
            )
        self.max_iters = int(max_iters)
        self.max_epochs = 1  # hooks of mmengine take a run by iterations for one epoch
        self.val_interval = val_interval
        self.val_begin = val_begin
        self.stop_training = False  # set by mmengine's EarlyStoppingHook
        self._iter = 0  # set, with _epoch, by Runner.resume
        self._epoch = 0
        runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)

    @property
    def iter(self) -> int:
        """Iterations done."""
        return self._iter

    @property
    def epoch(self) -> int:
        """Always zero: a run is one epoch."""
        return self._epoch

    def run(self) -> torch.nn.Module:
        """Train until ``max_iters``, from the iteration that was resumed."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        loader = self.dataloader
        loader.sampler.skip = self._iter * loader.batch_size * self.runner.world_size
        if self._iter < self.max_iters:
            batches = iter(loader)
            while self._iter < self.max_iters and not self.stop_training:
                self.runner.model.train()
                self._run_iter(next(batches))
                if self._is_validated():
                    self.runner.val_loop.run()
            del batches
            loader._iterator = None  # persistent workers stop now, not when memory is collected
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _run_iter(self, batch: Any) -> None:
        runner = self.runner
        seed_everything(runner.seed, self._iter, runner.rank, _STREAM)
        runner.call_hook('before_train_iter', batch_idx=self._iter, data_batch=batch)
        outputs = runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
        runner.call_hook(
            'after_train_iter', batch_idx=self._iter, data_batch=batch, outputs=outputs
        )
        self._iter += 1

    def _is_validated(self) -> bool:
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return False
        return self._iter % self.val_interval == 0 or self._iter == self.max_iters
