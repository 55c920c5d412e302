"""DPM-Solver++: multistep exponential integrators of second order in ``log(alpha / sigma)``."""

from collections.abc import Callable

from torch import Tensor

from ...registry import MODELS
from .sampler import AbstractSampler, Level, Run, Step


@MODELS.register_module()
class DPMSolverPP(AbstractSampler):
    """DPM-Solver++(2M) (Lu et al. 2022): the last two denoised latents, extrapolated.

    The first step and the last, to the data, are of first order.

    Args:
        num_steps: Number of steps, each one evaluation of the network; 10 to 20 suffice.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 15, spacing: str = 'log_snr') -> None:
        super().__init__(num_steps, spacing)

    def begin(self, run: Run) -> Step:
        """The flow with an extrapolated denoised latent held fixed."""
        extrapolate = _extrapolation()

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            kept = after.sigma / now.sigma
            return kept * z + (after.alpha - kept * now.alpha) * extrapolate(x0, now, after)

        return step


@MODELS.register_module()
class DPMSolverPPSDE(AbstractSampler):
    """SDE-DPM-Solver++(2M) (Lu et al. 2022): all noise is renewed on the way.

    Args:
        num_steps: Number of steps, each one evaluation of the network.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 25, spacing: str = 'log_snr') -> None:
        super().__init__(num_steps, spacing)

    @property
    def is_deterministic(self) -> bool:
        """Never: every step draws noise."""
        return False

    def begin(self, run: Run) -> Step:
        """The reverse diffusion with an extrapolated denoised latent held fixed."""
        extrapolate = _extrapolation()

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            decay = (
                now.alpha * after.sigma / (now.sigma * after.alpha)
            )  # exp(-h), 0 from pure noise
            renewed = 1 - decay.square()
            mean = after.sigma / now.sigma * decay * z
            mean = mean + after.alpha * renewed * extrapolate(x0, now, after)
            return mean + after.sigma * renewed.sqrt() * run.draw(z)

        return step


def _extrapolation() -> Callable[[Tensor, Level, Level], Tensor]:
    """The denoised latent half a step ahead, from this and the last one; the first as it is."""
    last: list[tuple[Tensor, Level]] = []

    def extrapolate(x0: Tensor, now: Level, after: Level) -> Tensor:
        ahead = x0
        if last:
            x0_before, before = last.pop()
            ratio = (after.log_snr - now.log_snr) / (now.log_snr - before.log_snr)
            ahead = x0 + 0.5 * ratio.to(x0) * (x0 - x0_before)
        last.append((x0, now))
        return ahead

    return extrapolate
