"""Published files may hold anything; reading them runs nothing."""

import argparse
import os
import pickle
from collections import OrderedDict

import pytest
import torch

from ddmi_toolkit.interop.restricted import Placeholder, load_restricted


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


class ListLike(list):
    """A list type that the reader does not know."""


@pytest.mark.parametrize('zipped', [True, False])
def test_tensors_survive_and_objects_become_inert(tmp_path, zipped):
    data = dict(
        step=3,
        args=argparse.Namespace(lr=1e-4, nested=ListLike([1, 2])),
        model=OrderedDict(weight=torch.randn(2, 3), half=torch.ones(2, dtype=torch.float16)),
        parameter=torch.nn.Parameter(torch.arange(3.0)),
        shared=(a := torch.zeros(4), a[1:3]),
    )
    path = tmp_path / 'model-last.pt'
    torch.save(data, path, _use_new_zipfile_serialization=zipped)
    got = load_restricted(path)
    assert got['step'] == 3
    for key in data['model']:
        assert torch.equal(got['model'][key], data['model'][key])
    assert torch.equal(got['parameter'], data['parameter'])
    assert got['shared'][1].shape == (2,)
    assert isinstance(got['args'], Placeholder)
    assert repr(got['args']) == '<placeholder for argparse.Namespace>'


@pytest.mark.parametrize('zipped', [True, False])
def test_code_in_a_file_does_not_run(tmp_path, zipped):
    flag, path = tmp_path / 'ran', tmp_path / 'bad.pt'
    torch.save(dict(x=Bomb(flag), y=torch.ones(1)), path, _use_new_zipfile_serialization=zipped)
    assert load_restricted(path)['y'].item() == 1
    assert not flag.exists()
    with open(path.with_suffix('.pkl'), 'wb') as file:
        pickle.dump(Bomb(flag), file)
    with pytest.raises(ValueError, match='not a readable torch checkpoint'):
        load_restricted(path.with_suffix('.pkl'))
    assert not flag.exists()


def test_damaged_and_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'absent\.pt does not exist'):
        load_restricted(tmp_path / 'absent.pt')
    path = tmp_path / 'cut.pt'
    torch.save(dict(x=torch.randn(1000)), path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r'cut\.pt is not a readable'):
        load_restricted(path)
