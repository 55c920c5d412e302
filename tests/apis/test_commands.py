"""What the command-line tools say when the mistake is the user's."""

import pytest
from PIL import Image
from torch.utils.data import DataLoader

from ddmi_toolkit.apis import readable_errors
from ddmi_toolkit.datasets import ImageDataset


@pytest.mark.parametrize('num_workers', [0, 1])
def test_a_broken_picture_is_one_line_whoever_reads_it(tmp_path, num_workers):
    """torch hands over what a worker raised with its traceback as part of the message."""
    (tmp_path / 'broken.png').write_bytes(b'no picture')
    data = ImageDataset(str(tmp_path), pipeline=[dict(type='PackImage', input_size=4)])
    with pytest.raises(SystemExit) as caught, readable_errors():
        next(iter(DataLoader(data, num_workers=num_workers)))
    first, last = str(caught.value).splitlines()
    assert first.startswith(f'ValueError: {tmp_path}/broken.png: cannot be read as a picture')
    assert last == '(DDMI_TRACEBACK=1 shows where)'


def test_what_the_system_refuses_is_one_line(tmp_path):
    Image.new('RGB', (1, 1)).save(tmp_path / 'a.png')
    with pytest.raises(SystemExit, match=r'^FileExistsError: .*a\.png'), readable_errors():
        (tmp_path / 'a.png').mkdir()


def test_the_traceback_is_kept_on_demand(monkeypatch):
    monkeypatch.setenv('DDMI_TRACEBACK', '1')
    with pytest.raises(ValueError, match='mistake'), readable_errors():
        raise ValueError('mistake')
