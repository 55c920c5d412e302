"""The example project: its mathematics, and its config seen from outside the package."""

import sys
from pathlib import Path

import pytest
import torch

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def readout(monkeypatch):
    """A gated read-out of three scales."""
    monkeypatch.syspath_prepend(str(PROJECT))
    from example_project import GatedReadout

    torch.manual_seed(0)
    return GatedReadout(4, 3, dict(type='LinearHead', out_channels=2), width=8)


def test_closed_gates_forget_the_coarser_scales(readout):
    """With the gate of the finest scale at zero, only the finest embedding matters."""
    gate = readout.gates[-1]
    with torch.no_grad():
        gate.weight[:8], gate.bias[:8] = 0, -1e4
    coarse, other, fine = torch.randn(3, 1, 5, 4)
    one = readout([coarse, coarse, fine], None)
    two = readout([other, other, fine], None)
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, readout([coarse, coarse, other], None))


def test_config_builds_from_outside_the_package(monkeypatch):
    """`custom_imports` brings the component in; the base is the shipped one."""
    from ddmi_toolkit.apis import check_config, load_config

    monkeypatch.syspath_prepend(str(PROJECT))
    sys.modules.pop('example_project', None)
    cfg = load_config(PROJECT / 'configs/chair_gated.py')
    assert cfg.model.generator.readout.type == 'GatedReadout'
    assert cfg.train_dataloader.dataset.type == 'ProceduralChairs'
    check_config(cfg)
