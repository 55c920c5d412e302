"""Mixed precision on any device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from ..registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass in half precision, on the device that the model is on.

    mmengine's ``AmpOptimWrapper`` needs a GPU. Weights, gradients and optimizer stay in float32;
    ``float16`` gradients are scaled so that small ones survive, ``bfloat16`` ones need not be.

    Args:
        dtype: ``'bfloat16'`` or ``'float16'``.
        **kwargs: As of mmengine's ``OptimWrapper``: ``optimizer``, ``accumulative_counts``,
            ``clip_grad``.
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs: Any) -> None:
        if dtype not in ('bfloat16', 'float16'):
            raise ValueError(
                f"AutocastOptimWrapper: dtype must be 'bfloat16' or 'float16', got {dtype!r}; "
                f'for float32 use OptimWrapper'
            )
        super().__init__(**kwargs)
        self.dtype = getattr(torch, dtype)
        device = self.optimizer.param_groups[0]['params'][0].device.type
        self.scaler = torch.amp.GradScaler(device, enabled=dtype == 'float16')

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Half precision for the forward pass, besides what mmengine does for accumulation."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=self.dtype):
            yield

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Back-propagate the scaled loss."""
        self.scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Update the weights; an overflow of float16 gradients skips the update."""
        if self.clip_grad_kwargs:
            self.scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.scaler.step(self.optimizer, **kwargs)
        self.scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """State of the optimizer and of the scale."""
        return dict(super().state_dict(), loss_scaler=self.scaler.state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` returned; a state without a scale leaves it as it is."""
        state = dict(state_dict)
        scale = state.pop('loss_scaler', None)
        if scale and self.scaler.is_enabled():
            self.scaler.load_state_dict(scale)
        super().load_state_dict(state)
