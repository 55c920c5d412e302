"""Two optimizers for a model that plays against discriminators."""

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from ..registry import OPTIM_WRAPPER_CONSTRUCTORS

_DISCRIMINATORS = 'adversarial'


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AdversarialOptimWrapperConstructor:
    """An ``OptimWrapperDict`` of ``autoencoder`` and ``discriminator``.

    The config is that of the autoencoder's optimizer wrapper with one more key, ``discriminator``,
    which holds what differs in the other one::

        optim_wrapper = dict(
            constructor='AdversarialOptimWrapperConstructor',
            type='OptimWrapper',
            optimizer=dict(type='AdamW', lr=1e-4),
            discriminator=dict(optimizer=dict(type='AdamW', lr=5e-5, betas=(0.5, 0.9))),
        )

    Args:
        optim_wrapper_cfg: The config.
        paramwise_cfg: As mmengine's, for both.
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: Any = None) -> None:
        self.config = dict(optim_wrapper_cfg)
        other = self.config.pop('discriminator', None) or {}
        self.discriminator_config = {**self.config, **other}
        self.paramwise_cfg = paramwise_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Optimizers of a model, which may be wrapped.

        Raises:
            ValueError: The model has no discriminator.
        """
        model = model.module if is_model_wrapper(model) else model
        children = dict(model.named_children())
        discriminators = children.pop(_DISCRIMINATORS, None)
        if discriminators is None or not any(True for _ in discriminators.parameters()):
            raise ValueError(
                f'AdversarialOptimWrapperConstructor: {type(model).__name__} has no discriminator; '
                f"set model.{_DISCRIMINATORS}=dict(<name>=dict(type='PatchAdversarialLoss')), or "
                f'leave optim_wrapper.constructor out'
            )
        return OptimWrapperDict(
            autoencoder=self._build(nn.ModuleDict(children), self.config),
            discriminator=self._build(discriminators, self.discriminator_config),
        )

    def _build(self, module: nn.Module, config: dict[str, Any]) -> Any:
        config = dict(config)
        if self.paramwise_cfg is not None:
            config['paramwise_cfg'] = self.paramwise_cfg
        return build_optim_wrapper(module, config)
