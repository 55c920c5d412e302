"""Weights of networks trained elsewhere are looked for before anything is trained."""

import pytest

from ddmi_toolkit.apis import check_config, load_config, train

TEXT = dict(_delete_=True, type='TextConditioner', model='ViT-B-32', pretrained='none.pt')


def test_absent_weights_stop_a_run_before_its_first_stage(tmp_path):
    """The message says what to get and where to name it; checking a config needs no weights."""
    options = {
        'model.conditioner': TEXT,
        'work_dir': str(tmp_path / 'run'),
        'first_stage.work_dir': str(tmp_path / 'first'),
    }
    cfg = load_config('ddmi/procedural_text2chair.py', options)
    check_config(cfg)
    message = r'procedural_text2chair: weights file none\.pt does not exist; .*download_pretrained'
    with pytest.raises(FileNotFoundError, match=message):
        train(cfg)
    assert not (tmp_path / 'first').exists()
