"""How a model is trained against discriminators: two optimizers, one batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

GAMES = 'adversarial'
"""Child of a model that holds its games, by name; none of its parameters is of the model itself."""


def keep_games_apart(model: nn.Module) -> None:
    """Let distributed wrappers leave the gradients of games to :func:`adversarial_step`."""
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(
        model, [k for k in model.state_dict() if k.startswith(f'{GAMES}.')]
    )


def plays(model: nn.Module, optim_wrapper: OptimWrapper | OptimWrapperDict) -> bool:
    """Whether a model plays games.

    Raises:
        TypeError: The optimizers do not fit that.
    """
    games, has_two = getattr(model, GAMES), isinstance(optim_wrapper, OptimWrapperDict)
    if has_two != bool(len(games)):
        raise TypeError(
            f'model.{GAMES} has {list(games)}, but optim_wrapper is '
            f'{"two optimizers" if has_two else "one optimizer"}; with adversarial losses set '
            f"optim_wrapper.constructor='AdversarialOptimWrapperConstructor', without them "
            f'do not'
        )
    return has_two


def adversarial_step(
    model: BaseModel,
    data: dict[str, Any],
    optim_wrapper: OptimWrapperDict,
    forward: Callable[..., Any] | None = None,
) -> dict[str, Tensor]:
    """One update of a model, then one of the discriminators that it plays against.

    Discriminators meet the predictions of the model before its update. Games of weight 0 rest.

    Args:
        model: Holds its games in ``model.adversarial``. Its mode ``'loss_and_pred'`` returns loss
            terms, those of the games among them, and predictions.
        data: A batch with ``target`` and ``query``.
        optim_wrapper: Optimizers of ``autoencoder``, that is of the model without its games, and
            of ``discriminator``.
        forward: The model inside its distributed wrapper.

    Returns:
        Values to log.
    """
    call, own = forward or model, optim_wrapper['autoencoder']
    with _fixed(getattr(model, GAMES)), own.optim_context(call):
        data = model.data_preprocessor(data, True)
        losses, pred = call(**data, mode='loss_and_pred')
    loss, log = model.parse_losses(losses)
    own.update_params(loss)
    return {**log, **_play(model, pred, data, optim_wrapper['discriminator'])}


def _play(
    model: BaseModel, pred: Tensor, data: dict[str, Any], optim_wrapper: OptimWrapper
) -> dict[str, Tensor]:
    """Update the discriminators of the games that do not rest; values to log."""
    games = getattr(model, GAMES)
    played = {name: game for name, game in games.items() if game.weight}
    if not played:
        return {}
    with optim_wrapper.optim_context(games):
        losses = {
            f'loss_{name}_discriminator': game.discriminator_loss(
                pred, data['target'], data['query']
            )
            for name, game in played.items()
        }
    loss, log = model.parse_losses(losses)
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    if optim_wrapper.should_update():
        _average_gradients(games)
        optim_wrapper.step()
        optim_wrapper.zero_grad()
    log.pop('loss')  # the sum of both sides means nothing
    return log


@contextmanager
def _fixed(module: nn.Module) -> Iterator[None]:
    """Keep gradients away from a module's parameters, while they still pass through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


@torch.no_grad()
def _average_gradients(module: nn.Module) -> None:
    """Over all processes."""
    if get_world_size() > 1:
        for parameter in module.parameters():
            if parameter.grad is not None:
                all_reduce(parameter.grad, op='mean')
