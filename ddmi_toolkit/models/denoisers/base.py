"""What a denoiser is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

Cond = dict[str, Tensor | None] | None
"""``dict(vector=(B, D) or None, context=(B, L, D) or None)``; None is no condition."""


class AbstractDenoiser(nn.Module, ABC):
    """Noisy latents to what the parameterization asks for (noise, clean latent, velocity).

    ``__init__`` may name ``layout`` and ``channels`` (latent channels ``C``): the model offers
    both.
    """

    @abstractmethod
    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """Output ``(B, C, N)`` for latents ``(B, C, N)`` and noise levels ``(B,)``, as the
        schedule's ``c_noise`` gives them.
        """


def read_cond(
    cond: Cond,
    owner: str,
    batch_size: int,
    cond_channels: int | None = None,
    context_channels: int | None = None,
) -> tuple[Tensor | None, Tensor | None]:
    """Vector and context of a condition, if they are those that a network was built for.

    Args:
        cond: What the network was given.
        owner: The network's class, for messages.
        batch_size: ``B``.
        cond_channels: Width of the vector that the network takes; None: it takes none.
        context_channels: Width of the context's tokens, likewise.

    Returns:
        ``(B, D)`` or None, and ``(B, L, D)`` or None.

    Raises:
        ValueError: A part that the network needs is missing or of another shape, or there is one
            that the network has no place for.
    """
    cond = cond or {}
    vector, context = cond.get('vector'), cond.get('context')
    for name, value, argument, channels, shape in (
        ('vector', vector, 'cond_channels', cond_channels, ('B', '{}')),
        ('context', context, 'context_channels', context_channels, ('B', 'L', '{}')),
    ):
        if value is None and channels is None:
            continue
        if channels is None:
            raise ValueError(
                f'cond[{name!r}] given to a {owner} without {argument}; set it to the width '
                f'{value.shape[-1]} of the {name}, or leave the condition out'
            )
        wanted = f'({", ".join(shape)})'.format(channels)
        if value is None:
            raise ValueError(
                f'a {owner} with {argument}={channels} needs cond[{name!r}] of shape {wanted}; got '
                f"none. The conditioner's null() makes one that says nothing"
            )
        fits = value.ndim == len(shape) and value.shape[-1] == channels and value.numel() > 0
        if not fits or len(value) != batch_size:
            raise ValueError(
                f'a {owner} with {argument}={channels} needs cond[{name!r}] of shape {wanted} with '
                f'B={batch_size}{" and L > 0" if name == "context" else ""}; got '
                f'{tuple(value.shape)}'
            )
    return vector, context
