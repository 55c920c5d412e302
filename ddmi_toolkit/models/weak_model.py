"""The weaker model of autoguidance."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from ..registry import MODELS
from ..utils import load_checkpoint, load_state_strict

Denoise = Callable[[Tensor, Tensor], Tensor]
"""``(z_t (B, C, N), t (B,)) -> x0_hat (B, C, N)``."""


class WeakModel:
    """What denoises in another checkpoint, read when first needed; not part of the model.

    Args:
        config: ``dict(checkpoint, denoiser)``: the file, and the config of its denoiser.
        offers: What is offered to the denoiser.

    Raises:
        ValueError: Another key, or no checkpoint.
    """

    def __init__(self, config: dict[str, Any], offers: dict[str, Any]) -> None:
        unknown = sorted(set(config) - {'checkpoint', 'denoiser'})
        if unknown or 'checkpoint' not in config:
            raise ValueError(
                f'model.weak takes checkpoint and, if it differs, denoiser; got {sorted(config)}'
            )
        self.config, self.offers = config, offers
        self.parts: nn.ModuleDict | None = None

    def denoise(self, strong: nn.Module, cond: Any, batch_size: int) -> Denoise:
        """The weaker model's denoiser ``(z_t (B, C, N), t (B,)) -> x0_hat``.

        Args:
            strong: The latent diffusion whose kin it is; its conditioner and its diffuser are
                copied and take the checkpoint's weights.
            cond: ``B`` raw conditions, or None.
            batch_size: ``B``.

        Raises:
            FileNotFoundError, ValueError: The checkpoint is absent, or of another model.
        """
        if self.parts is None:
            self.parts = self._load(strong)
        parts = dict(self.parts.to(strong.latent_mean.device).named_children())
        told = embedded(parts.get('conditioner'), cond, batch_size)
        return partial(parts['diffuser'].denoise, parts['denoiser'], cond=told)

    def _load(self, strong: nn.Module) -> nn.ModuleDict:
        path = self.config['checkpoint']
        state = load_checkpoint(path)['state_dict']
        denoiser = MODELS.build(
            self.config['denoiser'], role='AbstractDenoiser', default_args=self.offers
        )
        # Learned mixtures and embeddings belong to the denoiser that was trained with them.
        parts = nn.ModuleDict(dict(denoiser=denoiser, diffuser=copy.deepcopy(strong.diffuser)))
        if strong.conditioner is not None:
            parts['conditioner'] = copy.deepcopy(strong.conditioner)
        for name, part in parts.items():
            start = f'{name}.'
            mine = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            load_state_strict(part, mine, what=f'weak {name} from {path}')
        return parts.eval().requires_grad_(False)


def embedded(conditioner: nn.Module | None, cond: Any, batch_size: int) -> Any:
    """What a denoiser is told of ``B`` raw conditions, or of none."""
    if conditioner is None:
        return cond
    return conditioner.null(batch_size) if cond is None else conditioner.embed(cond)
