"""How fast training goes."""

from typing import Any

from mmengine.hooks import Hook

from ..registry import HOOKS


@HOOKS.register_module()
class ThroughputHook(Hook):
    """Logs the samples that all processes together have trained on per second.

    The remaining time and the losses are in mmengine's log line already.

    Args:
        window: Iterations that are averaged.
    """

    def __init__(self, window: int = 50) -> None:
        self.window = window

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Add ``samples_per_second`` to the log; runs after mmengine's timer."""
        times = runner.message_hub.log_scalars.get('train/time')
        if times is not None:
            samples = runner.train_dataloader.batch_size * runner.world_size
            seconds = max(float(times.mean(self.window)), 1e-9)
            runner.message_hub.update_scalar('train/samples_per_second', samples / seconds)
