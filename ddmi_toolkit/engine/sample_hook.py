"""Pictures of what the model generates in the course of training."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook, IterTimerHook
from PIL import Image

from ..registry import HOOKS
from .loss_weight_hook import unwrap
from .submodule_ema_hook import averaged_weights


@HOOKS.register_module()
class SampleHook(Hook):
    """Draws the fields of fixed seeds at intervals, with the averaged weights.

    Pictures go to ``work_dir/samples`` and to the backends of the visualizer (TensorBoard), which
    must have ``draw_fields(fields) -> (H, W, 3) uint8``. Training is not affected: its random
    states are set anew in each iteration, and the clock of the log stands still.

    Args:
        interval: Iterations between pictures; the end of the run always gets one.
        seeds: How many samples, or their seeds.
        cond: Conditions of the samples, as ``LatentDiffusion`` takes them.
    """

    priority = 'LOW'  # after the weights were averaged, before they are saved

    def __init__(self, interval: int, seeds: int | Sequence[int] = 8, cond: Any = None) -> None:
        if interval < 1:
            raise ValueError(f'SampleHook: interval must be at least 1, got {interval}')
        self.interval = interval
        self.seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
        self.cond = cond

    def before_train(self, runner: Any) -> None:
        """Check early that pictures can be made.

        Raises:
            ValueError: The visualizer cannot draw fields.
        """
        if not hasattr(runner.visualizer, 'draw_fields'):
            raise ValueError(
                f'SampleHook: {type(runner.visualizer).__name__} cannot draw fields; use '
                f"visualizer=dict(type='FieldVisualizer', ...)"
            )

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw at intervals, in the first process."""
        step = runner.iter + 1
        if not is_main_process() or (step % self.interval and step != runner.max_iters):
            return
        start = time.time()
        picture = self._draw(runner)
        folder = Path(runner.work_dir) / 'samples'
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f'iter_{step:07d}.png')
        runner.visualizer.add_image('samples', picture, step=step)
        for timer in (h for h in runner.hooks if isinstance(h, IterTimerHook)):
            timer.t += time.time() - start

    @torch.no_grad()
    def _draw(self, runner: Any) -> Any:
        model = unwrap(runner.model)
        was_training = model.training
        model.eval()
        device = next(model.parameters()).device
        with averaged_weights(runner):
            outputs = model(
                seed=torch.tensor(self.seeds, device=device), cond=self.cond, mode='predict'
            )
            picture = runner.visualizer.draw_fields([o['field'] for o in outputs])
        model.train(was_training)
        return picture
