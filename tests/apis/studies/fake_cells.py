"""Trainings and evaluations that take no time, in place of the real ones."""

import json
import time
from pathlib import Path

import torch

from ddmi_toolkit.apis.config import config_hash
from ddmi_toolkit.apis.evaluating import file_hash
from ddmi_toolkit.apis.studies import cells
from ddmi_toolkit.apis.training import run_state
from ddmi_toolkit.evaluation import Result

FIRST = 'd2c_vae/procedural_image.py'
SECOND = 'ddmi/procedural_image.py'


class Fakes:
    """Counts what is trained and evaluated; a training leaves the checkpoint of a real one.

    Args:
        log: Receives a line per training; shared by processes.
    """

    def __init__(self, log: Path, seconds: float = 0.0) -> None:
        self.log = log
        self.seconds = seconds
        self.fail_on = ''
        self.interrupt_on = ''
        self.num_images = 8
        self.evaluated: list[str] = []

    @property
    def trained(self) -> list[str]:
        """Folders of all trainings so far, below that of the study."""
        return self.log.read_text().split() if self.log.exists() else []

    def train(self, cfg) -> Path:
        """As ``apis.train``."""
        place = '/'.join(Path(cfg.work_dir).parts[-3:])
        if self.fail_on and self.fail_on in place:
            raise FloatingPointError('loss_recon is nan')
        if self.interrupt_on and self.interrupt_on in place:
            raise KeyboardInterrupt
        state, path = run_state(cfg)
        if state == 'done':
            return path
        time.sleep(self.seconds)
        with self.log.open('a') as file:
            file.write(f'{place}\n')
        path = Path(cfg.work_dir) / f'iter_{cfg.train_cfg.max_iters}.pth'
        path.parent.mkdir(parents=True, exist_ok=True)
        times = torch.full((4,), 0.5, dtype=torch.float64)
        state = dict(
            meta=dict(iter=cfg.train_cfg.max_iters, config_hash=config_hash(cfg)),
            state_dict={'place': torch.tensor(list(place.encode()))},
            message_hub=dict(log_scalars={'train/time': dict(log=times)}),
        )
        torch.save(state, path)
        return path

    def evaluate(self, cfg, checkpoint) -> Result:
        """As ``apis.evaluate``: the seed is the value."""
        self.evaluated.append('/'.join(Path(cfg.work_dir).parts[-3:]))
        name = 'generation' if 'first_stage' in cfg else 'image'
        return Result(
            {f'{name}/value': float(cfg.randomness.seed)},
            {name: dict(num_images=self.num_images)},
            config_hash=config_hash(cfg),
            checkpoint_hash=file_hash(checkpoint),
        )


def install(monkeypatch, log: Path, **options) -> Fakes:
    """Put fakes into the place of training and evaluation."""
    fakes = Fakes(log, **options)
    monkeypatch.setattr(cells, 'train', fakes.train)
    monkeypatch.setattr(cells, 'evaluate', fakes.evaluate)
    return fakes


def read_table(folder: Path) -> dict:
    """What ``table.json`` holds."""
    return json.loads((folder / 'table.json').read_text())
