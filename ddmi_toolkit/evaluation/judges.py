"""Trained classifiers that judge generated fields."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..registry import MODELS
from ..structures import Field
from ..utils import find_checkpoint, load_checkpoint, load_state_strict
from .protocol import Protocol, Result
from .weights import file_sha256, weights_digest

_WORK_DIRS = 'work_dirs'


@dataclass
class Judge:
    """A classifier that is not trained any more.

    Args:
        model: A ``FieldClassifier``.
        name: Of its config.
        held_out: Its accuracy by question on shapes that it has not seen, as far as known.
    """

    model: nn.Module
    name: str
    held_out: dict[str, float]

    @torch.no_grad()
    def choices(self, field: Field, threshold: float) -> dict[str, Tensor]:
        """Most probable class ``(B,)`` of fields, by question."""
        like = next(iter(field.state.values()))
        grid = self.model.to(like.device).grid(field, threshold)
        return {name: scores.argmax(-1).cpu() for name, scores in self.model.logits(grid).items()}

    def protocol(self) -> Protocol:
        """What identifies the classifier and what it looks at."""
        return dict(
            classifier=self.name,
            checksum=weights_digest(self.model),
            grid=f'centers of {self.model.resolution}^3 cells of the cube +-{self.model.extent:g}',
        )


def load_judge(config: str | Path, checkpoint: str | Path | None = None) -> Judge:
    """A trained classifier, and how good it is.

    Args:
        config: File of its config.
        checkpoint: File; None is the newest one of the folder that it is trained into. What
            ``tools/test.py`` wrote beside it about this file is its accuracy.

    Raises:
        FileNotFoundError: The config or a checkpoint is absent; the message says how to train one.
        ValueError: The config is not one of a classifier, or the file is of another model.
    """
    config = Path(config)
    if not config.is_file():
        raise FileNotFoundError(
            f'classifier config {config} does not exist; those of this toolkit are in '
            f'configs/classifiers'
        )
    cfg = Config.fromfile(config)
    if cfg.get('model', {}).get('type') != 'FieldClassifier':
        raise ValueError(
            f'{config} has model.type={cfg.get("model", {}).get("type")!r}; expected '
            f"'FieldClassifier', e.g. configs/classifiers/procedural_chair.py"
        )
    name = f'{config.parent.name}/{config.stem}'
    path = checkpoint or find_checkpoint(cfg.get('work_dir') or Path(_WORK_DIRS, name))
    if path is None:
        raise FileNotFoundError(
            f'{Path(_WORK_DIRS, name)} holds no checkpoint of the classifier that judges; train '
            f'it by `python tools/train.py configs/{name}.py`, or give the metric a checkpoint'
        )
    state = load_checkpoint(path)['state_dict']
    model = MODELS.build(cfg.model, role='FieldClassifier')
    load_state_strict(model, state, what=f'classifier from {path}')
    model.eval().requires_grad_(False)
    return Judge(model, name, _held_out(Path(path)))


def _held_out(checkpoint: Path) -> dict[str, float]:
    """Accuracies that were measured of this very file."""
    found: dict[str, Any] = {}
    path = checkpoint.with_name('result.json')
    if path.is_file():
        result = Result.load(path)
        if result.checkpoint_hash == file_sha256(checkpoint)[:16]:
            found = dict(result.metrics)
    start = 'classifier/'
    return {k.removeprefix(start): v for k, v in found.items() if k.startswith(start)}
