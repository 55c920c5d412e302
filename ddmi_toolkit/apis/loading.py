"""Trained models, from a config and a checkpoint."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from ..registry import MODELS
from ..structures import PlaneLayout
from ..utils import find_checkpoint, load_checkpoint, load_state_strict


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


def layout_of(cfg: Config) -> PlaneLayout:
    """Coordinate axes and planes of the fields that a config's model makes.

    Raises:
        ValueError: It makes none.
    """
    autoencoder = cfg.model.get('first_stage', cfg.model)
    if 'layout' not in autoencoder:
        raise ValueError(
            f'{cfg.get("experiment_name", "the config")} makes no fields, its model is a '
            f'{autoencoder.get("type")}; name a config of configs/d2c_vae or configs/ddmi'
        )
    return PlaneLayout.from_config(autoencoder.layout)


def channels_of(cfg: Config) -> int:
    """Channels of a value of the fields that a config's model makes."""
    autoencoder = cfg.model.get('first_stage', cfg.model)
    offers = dict(layout=layout_of(cfg), in_channels=autoencoder.latent_channels)
    with torch.device('meta'):
        generator = MODELS.build(
            autoencoder.generator, role='AbstractGenerator', default_args=offers
        )
    return generator.out_channels


def _no_first_stage_file(cfg: Config) -> dict[str, None]:
    """A stage-2 checkpoint holds its first stage; the stage-1 file is not read again."""
    return {'first_stage_checkpoint': None} if 'first_stage' in cfg.model else {}
