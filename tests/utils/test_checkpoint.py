"""Checkpoint files: atomic, safe to read, strict to load."""

import os
import pickle
import subprocess

import pytest
import torch
from torch import nn

from ddmi_toolkit.utils import (
    find_checkpoint,
    load_checkpoint,
    load_state_strict,
    remove_abandoned,
    replace_atomically,
)


def save(path, step=1, fill=0.0):
    """A small checkpoint."""
    state = dict(weight=torch.full((300,), fill))
    torch.save(dict(meta=dict(iter=step), state_dict=state), path)
    return path


def test_interrupted_write_leaves_the_former_file(tmp_path):
    """Whatever happens while writing, the name holds the old content and nothing is left over."""
    path = tmp_path / 'sub' / 'a.txt'
    with replace_atomically(path) as file:
        file.write(b'old')
    with pytest.raises(KeyboardInterrupt), replace_atomically(path) as file:
        file.write(b'ne')
        assert path.read_bytes() == b'old'
        raise KeyboardInterrupt
    assert path.read_bytes() == b'old'
    assert os.listdir(path.parent) == ['a.txt']


def test_only_what_dead_processes_left_is_removed(tmp_path):
    """A file of a living process, or of one on another host, is kept until it is a day old."""
    dead = subprocess.Popen(['true'])
    dead.wait()
    theirs = tmp_path / f'.a.pth.{dead.pid}@elsewhere.example.partial'
    strange = tmp_path / '.partial'
    for path in (theirs, strange, tmp_path / f'.b.pth.{dead.pid}.partial'):
        path.write_bytes(b'half')
    with pytest.raises(KeyboardInterrupt), replace_atomically(tmp_path / 'c.pth'):
        ours = next(p for p in tmp_path.iterdir() if 'c.pth' in p.name)
        raise KeyboardInterrupt
    ours.write_bytes(b'half')
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {ours, theirs, strange}
    killed = ours.with_name(ours.name.replace(str(os.getpid()), str(dead.pid)))
    ours.rename(killed)
    os.utime(theirs, (0, 0))
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {strange}


def test_round_trip(tmp_path):
    """What was saved is what is loaded."""
    content = load_checkpoint(save(tmp_path / 'iter_7.pth', 7, 0.25))
    assert content['meta']['iter'] == 7
    assert torch.equal(content['state_dict']['weight'], torch.full((300,), 0.25))


def test_missing_file_names_its_neighbours(tmp_path):
    """The message lists what is in the folder."""
    save(tmp_path / 'iter_3.pth')
    with pytest.raises(FileNotFoundError, match=r"iter_4.pth does not exist.*\['iter_3.pth'\]"):
        load_checkpoint(tmp_path / 'iter_4.pth')


@pytest.mark.parametrize('kept', [0, 100, 1500])
def test_truncated_file_is_said_to_be_truncated(tmp_path, kept):
    """Any cut of the file is found before training sees its weights."""
    path = save(tmp_path / 'a.pth')
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match='truncated or no checkpoint'):
        load_checkpoint(path)


class Trap:
    """Runs code when it is unpickled in the ordinary way."""

    def __reduce__(self):
        return os.mkdir, ('trapped',)


def test_files_cannot_run_code(tmp_path, monkeypatch):
    """Python objects in a file are refused, not built."""
    monkeypatch.chdir(tmp_path)
    torch.save(dict(meta={}, state_dict={}, extra=Trap()), 'a.pth')
    with pytest.raises(ValueError, match='holds Python objects'):
        load_checkpoint('a.pth')
    assert not os.path.exists('trapped')


def test_foreign_content_is_named(tmp_path):
    """A file of bare weights says what it holds instead."""
    torch.save(dict(weight=torch.zeros(1)), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r"expected the keys meta and state_dict.*\['weight'\]"):
        load_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('damage', ['truncate', 'flip', 'empty', 'text'])
def test_newest_readable_checkpoint_is_found(tmp_path, caplog, damage):
    """A broken newest file is named in the log and the one before it is taken."""
    good, bad = save(tmp_path / 'iter_9.pth'), save(tmp_path / 'iter_10.pth', fill=0.5)
    content = bytearray(bad.read_bytes())
    start = content.find(torch.full((300,), 0.5).numpy().tobytes())
    content[start] ^= 1
    whole = bad.read_bytes()
    broken = dict(truncate=whole[:-100], flip=bytes(content), empty=b'', text=b'not a file')
    assert find_checkpoint(tmp_path) == bad
    bad.write_bytes(broken[damage])
    messages = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            'ddmi_toolkit.utils.checkpoint.print_log', lambda m, **kwargs: messages.append(m)
        )
        assert find_checkpoint(tmp_path) == good
    assert len(messages) == 1
    assert 'iter_10.pth is broken' in messages[0]


def test_no_readable_checkpoint_is_an_error(tmp_path):
    """Starting over silently would overwrite what could be repaired."""
    assert find_checkpoint(tmp_path / 'absent') is None
    assert find_checkpoint(tmp_path) is None
    (tmp_path / 'iter_1.pth').write_bytes(b'')
    with pytest.raises(ValueError, match='none of the 1 checkpoints'):
        find_checkpoint(tmp_path)


def test_leftovers_of_an_older_run_do_not_count_as_newest(tmp_path):
    """The pointer and the times tell a former, longer run in the same folder apart."""
    old, new = save(tmp_path / 'iter_900.pth'), save(tmp_path / 'iter_20.pth')
    os.utime(old, (1, 1))
    (tmp_path / 'last_checkpoint').write_text('/moved/elsewhere/iter_20.pth')
    assert find_checkpoint(tmp_path) == new
    save(tmp_path / 'iter_30.pth')  # written, and killed before the pointer was
    assert find_checkpoint(tmp_path).name == 'iter_30.pth'


def test_strict_loading_lists_the_differences():
    """Missing and unknown names and other shapes, each with its count."""
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    state = {k: v.clone() for k, v in module.state_dict().items()}
    state['0.weight'] = torch.zeros(4, 2)
    state['head.bias'] = state.pop('1.bias')
    with pytest.raises(ValueError) as error:
        load_state_strict(module, state, what='stage 1 from a.pth')
    text = str(error.value)
    assert text.startswith('stage 1 from a.pth does not fit Sequential')
    for part in ['1 missing in the file:', '1.bias', '1 unknown to the model:', 'head.bias']:
        assert part in text
    assert '0.weight: file (4, 2), model (3, 2)' in text


def test_weights_of_the_other_stage_are_named():
    """By what stage 2 calls its first stage; not by lists of all names."""
    first = nn.ModuleDict(dict(generator=nn.Linear(2, 3)))
    second = nn.ModuleDict(dict(first_stage=first, denoiser=nn.Linear(1, 1)))
    with pytest.raises(ValueError, match=r'^a\.pth: this .* stage 2, .* stage 1; .*configs/ddmi\)'):
        load_state_strict(first, second.state_dict(), what='a.pth')
    with pytest.raises(ValueError, match=r'^a\.pth: this .* stage 1, .* stage 2; .*d2c_vae\)'):
        load_state_strict(second, first.state_dict(), what='a.pth')
    other = nn.ModuleDict(dict(trunk=nn.Linear(2, 3)))
    for wanted, given in ((other, second), (second, other)):
        with pytest.raises(ValueError, match='does not fit'):  # neither is a first stage
            load_state_strict(wanted, given.state_dict(), what='a.pth')


def test_strict_loading_loads_all():
    """Weights arrive."""
    a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    load_state_strict(b, a.state_dict(), what='a')
    assert torch.equal(a.weight, b.weight)


def test_pickle_of_old_protocol_is_refused(tmp_path):
    """A plain pickle is no checkpoint."""
    (tmp_path / 'a.pth').write_bytes(pickle.dumps(dict(meta={}, state_dict={})))
    with pytest.raises(ValueError, match='truncated or no checkpoint'):
        load_checkpoint(tmp_path / 'a.pth')
