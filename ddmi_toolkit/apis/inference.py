"""From a config and a checkpoint to fields in your hands."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor, nn

from ..registry import MODELS
from ..structures import Field, seeded_normal
from ..utils import find_checkpoint, load_checkpoint, load_state_strict
from .config import load_config


def default_device() -> torch.device:
    """The CUDA device if there is one."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def find_or_name(cfg: Config, checkpoint: str | Path | None) -> Path:
    """The checkpoint named, or the newest readable one of a config's ``work_dir``.

    Raises:
        FileNotFoundError: No checkpoint is there; the message says how to train one.
    """
    path = checkpoint or find_checkpoint(cfg.work_dir)
    if path is None:
        raise FileNotFoundError(
            f'{cfg.work_dir} holds no checkpoint; train one by '
            f'`python tools/train.py <config>`, or name a file'
        )
    return Path(path)


def load_model(
    cfg: Config, checkpoint: str | Path | None = None, device: torch.device | str | None = None
) -> nn.Module:
    """A trained model in evaluation mode, with its averaged weights where it has such.

    Args:
        cfg: Complete config (:func:`load_config`).
        checkpoint: File; by default the newest readable one of the config's ``work_dir``.
        device: Where to put it (default: the CUDA device if there is one).

    Raises:
        FileNotFoundError: No checkpoint is there; the message says how to train one.
        ValueError: The checkpoint belongs to another model.
    """
    path = find_or_name(cfg, checkpoint)
    state = load_checkpoint(path)['state_dict']
    model = MODELS.build({**cfg.model, **_no_first_stage_file(cfg)})
    load_state_strict(model, state, what=f'{type(model).__name__} from {path}')
    print_log(f'loaded {path}', logger='current')
    return model.to(device or default_device()).eval().requires_grad_(False)


def _no_first_stage_file(cfg: Config) -> dict[str, None]:
    """A stage-2 checkpoint holds its first stage; the stage-1 file is not read again."""
    return {'first_stage_checkpoint': None} if 'first_stage' in cfg.model else {}


class FieldInferencer:
    """Fields from a trained model: generated from seeds or reconstructed from observations.

    Args:
        config: Config name, see :func:`find_config`, or a complete config.
        checkpoint: File; by default the newest of the config's ``work_dir``.
        device: Where to compute (default: the CUDA device if there is one).
        options: Config overrides by dotted key.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: torch.device | str | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.cfg = config if isinstance(config, Config) else load_config(config, options)
        self.device = torch.device(device or default_device())
        self.model = load_model(self.cfg, checkpoint, self.device)

    @property
    def autoencoder(self) -> nn.Module:
        """The first stage: the model itself, or the one inside a latent diffusion."""
        return getattr(self.model, 'first_stage', self.model)

    def sample(
        self, seeds: Sequence[int], cond: Sequence[Any] | Tensor | None = None, batch_size: int = 16
    ) -> Iterator[Field]:
        """One field per seed; a seed's field does not depend on the other seeds.

        A stage-1 config decodes N(0, I) in place of diffused latents: the baseline that a latent
        diffusion must beat.

        Args:
            seeds: At least one.
            cond: One raw condition per seed, as the model's conditioner takes them.
            batch_size: How many are sampled together.
        """
        seeds = torch.as_tensor(seeds, dtype=torch.int64)
        if not len(seeds) or batch_size < 1:
            raise ValueError(
                f'sample takes at least one seed and batch_size >= 1, got {len(seeds)} seeds '
                f'and batch_size={batch_size}'
            )
        shape = self.autoencoder.latent_shape
        for start in range(0, len(seeds), batch_size):
            part = slice(start, start + batch_size)
            if hasattr(self.model, 'diffuser'):
                z = self.model.sample(seeds[part], None if cond is None else cond[part])
            else:
                z = seeded_normal(seeds[part], shape, 'sample', self.device)
            yield from self.decode(z)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Iterator[Field]:
        """Fields of latents ``(B, C, N)``, one by one."""
        field = self.autoencoder.decode(z.to(self.device))
        yield from (field[i] for i in range(len(field)))

    @torch.no_grad()
    def reconstruct(self, inputs: Iterable[Any]) -> Iterator[Field]:
        """Fields of the posterior means of observations (each without a batch dimension)."""
        for one in inputs:
            batch = torch.as_tensor(one)[None].to(self.device)
            yield from self.decode(self.autoencoder.encode(batch).mean)
