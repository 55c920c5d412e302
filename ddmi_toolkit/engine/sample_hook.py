"""Pictures of what the model makes in the course of training."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook, IterTimerHook
from PIL import Image
from torch import nn
from torch.utils.data import default_collate

from ..registry import HOOKS
from .loss_weight_hook import unwrap
from .submodule_ema_hook import averaged_weights


class AbstractPictureHook(Hook, ABC):
    """Draws something at intervals, with the averaged weights.

    Pictures go to a folder of ``work_dir`` and to the backends of the visualizer (TensorBoard).
    Training is not affected: its random states are set anew in each iteration, and the clock of
    the log stands still.

    Args:
        interval: Iterations between pictures; the end of the run always gets one.

    Attributes:
        NAME: Of the folder, and of the picture in the backends.
        NEEDS: Method of the visualizer that draws.
    """

    NAME: ClassVar[str]
    NEEDS: ClassVar[str]
    priority = 'LOW'  # after the weights were averaged, before they are saved

    def __init__(self, interval: int) -> None:
        if interval < 1:
            raise ValueError(f'{type(self).__name__}: interval must be at least 1, got {interval}')
        self.interval = interval

    @abstractmethod
    def draw(self, runner: Any, model: nn.Module) -> np.ndarray:
        """Picture ``(H, W, 3)`` uint8 of a model in evaluation mode."""

    def before_train(self, runner: Any) -> None:
        """Check early that pictures can be made.

        Raises:
            ValueError: The visualizer cannot draw fields.
        """
        if not hasattr(runner.visualizer, self.NEEDS):
            raise ValueError(
                f'{type(self).__name__}: {type(runner.visualizer).__name__} cannot draw fields; '
                f"use visualizer=dict(type='FieldVisualizer', ...)"
            )

    @torch.no_grad()
    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw at intervals, in the first process."""
        step = runner.iter + 1
        if not is_main_process() or (step % self.interval and step != runner.max_iters):
            return
        start = time.time()
        model = unwrap(runner.model)
        was_training = model.training
        model.eval()
        with averaged_weights(runner):
            picture = self.draw(runner, model)
        model.train(was_training)
        folder = Path(runner.work_dir) / self.NAME
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f'iter_{step:07d}.png')
        runner.visualizer.add_image(self.NAME, picture, step=step)
        for timer in (h for h in runner.hooks if isinstance(h, IterTimerHook)):
            timer.t += time.time() - start


@HOOKS.register_module()
class SampleHook(AbstractPictureHook):
    """Draws the fields of fixed seeds (stage 2).

    The visualizer must have ``draw_fields(fields) -> (H, W, 3) uint8``.

    Args:
        interval: Iterations between pictures; the end of the run always gets one.
        seeds: How many samples, or their seeds.
        cond: Conditions of the samples, as ``LatentDiffusion`` takes them.
    """

    NAME = 'samples'
    NEEDS = 'draw_fields'

    def __init__(self, interval: int, seeds: int | Sequence[int] = 8, cond: Any = None) -> None:
        super().__init__(interval)
        self.seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
        self.cond = cond

    def draw(self, runner: Any, model: nn.Module) -> np.ndarray:
        """Pictures of the seeds' fields in rows."""
        seeds = torch.tensor(self.seeds, device=next(model.parameters()).device)
        outputs = model(seed=seeds, cond=self.cond, mode='predict')
        return runner.visualizer.draw_fields([o['field'] for o in outputs])


@HOOKS.register_module()
class ReconstructionHook(AbstractPictureHook):
    """Draws the reconstructions of the first validation items (stage 1).

    The visualizer must have ``draw_reconstructions(outputs) -> (H, W, 3) uint8``.

    Args:
        interval: Iterations between pictures; the end of the run always gets one.
        num_items: How many are drawn.
    """

    NAME = 'reconstructions'
    NEEDS = 'draw_reconstructions'

    def __init__(self, interval: int, num_items: int = 8) -> None:
        super().__init__(interval)
        if num_items < 1:
            raise ValueError(f'ReconstructionHook: num_items must be at least 1, got {num_items}')
        self.num_items = num_items

    def before_train(self, runner: Any) -> None:
        """Check early that pictures can be made.

        Raises:
            ValueError: The visualizer cannot draw them, or there are no validation items.
        """
        super().before_train(runner)
        if runner.val_loop is None:
            raise ValueError('ReconstructionHook draws validation items; add a val_dataloader')

    def draw(self, runner: Any, model: nn.Module) -> np.ndarray:
        """Pictures of the items, in rows."""
        items = runner.val_dataloader.dataset
        batch = default_collate([items[i] for i in range(min(self.num_items, len(items)))])
        outputs = model(**model.data_preprocessor(batch, False), mode='predict')
        return runner.visualizer.draw_reconstructions(outputs)
