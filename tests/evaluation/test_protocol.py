"""Numbers travel with how they were measured and meet only their like."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ddmi_toolkit import __version__
from ddmi_toolkit.evaluation import leaderboard
from ddmi_toolkit.evaluation.protocol import (
    ProtocolError,
    Result,
    compare,
    digest,
    join,
    seed_range,
)

COSTS = dict(parameters=1000, training_seconds=60.0)


def result(value: float = 0.5, **changes) -> Result:
    protocol = dict(num_samples=64, resolution=128, normalize='bbox', thresholds=(0.01, 0.02))
    return Result(
        metrics={'generation/mmd_cd': value, 'generation/cov_cd': 0.25},
        protocol=dict(generation={**protocol, **changes}),
        config='chair',
        config_hash='c0',
        checkpoint='iter_7.pth',
        checkpoint_hash='d1',
    )


def test_a_file_gives_the_result_back(tmp_path):
    path = result().save(tmp_path / 'deep' / 'result.json')
    assert Result.load(path) == result()
    assert json.loads(path.read_text())['version'] == __version__
    assert [p.name for p in path.parent.iterdir()] == ['result.json']


@pytest.mark.parametrize(
    'content, reason',
    [
        (b'{"metrics": 1', 'line 1 column 14'),
        (b'[]', 'it holds a list'),
        (b'{"metrics": {}}', 'protocol'),
        (b'{"metrics": [1], "protocol": {}}', r'metrics is \[1\]'),
        (b'{"metrics": {"a/b": 1}, "protocol": ["a"]}', r"protocol is \['a'\]"),
        (b'{"metrics": {"a/b": 1}, "protocol": {"a": 3}}', "protocol of 'a' is 3"),
        (b'{"metrics": {"a/b": "x"}, "protocol": {"a": {}}}', "float: 'x'"),
        (b'{"metrics": {"a/b": [1]}, "protocol": {"a": {}}}', 'float'),
        (b'{"metrics": {"a/b": 1}, "protocol": {}}', r"no protocol for \['a'\]"),
        (b'{"metrics": {}, "protocol": {}, "when": 1}', 'when'),
        (b'{"metrics": {}, "protocol": {}, "costs": {"watts": 1}}', r"unknown costs \['watts'\]"),
        (b'\xff\xfe', 'utf-8'),
    ],
)
def test_a_file_that_is_no_result_is_named_with_the_reason(content, reason, tmp_path):
    path = tmp_path / 'other.json'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'other.json is not a result .*{reason}'):
        Result.load(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = result(0.5).save(tmp_path / 'result.json')

    def full_disk(self, target):
        raise OSError('no space left')

    monkeypatch.setattr(Path, 'replace', full_disk)
    with pytest.raises(OSError, match='no space'):
        result(0.7).save(path)
    assert Result.load(path).metrics['generation/mmd_cd'] == 0.5


def test_equal_protocols_are_put_side_by_side():
    table = compare(dict(ours=result(0.1), theirs=result(0.2)))
    assert table['generation/mmd_cd'] == dict(ours=0.1, theirs=0.2)
    assert list(table) == ['generation/mmd_cd', 'generation/cov_cd']


def test_different_protocols_are_refused_by_field():
    pair = dict(ours=result(), theirs=result(resolution=256, normalize='none'))
    with pytest.raises(ProtocolError) as error:
        compare(pair)
    message = str(error.value)
    assert "'generation' of 'ours' and 'theirs'" in message
    assert "normalize: 'bbox' and 'none'; resolution: 128 and 256" in message
    assert 'num_samples' not in message
    with pytest.raises(ProtocolError, match='emd_points: None and 512'):
        compare(dict(a=result(), b=result(emd_points=512)))


def test_systems_may_have_different_metrics():
    other = Result({'iou/mean': 0.8}, dict(iou=dict(num_samples=64)))
    table = leaderboard(dict(ours=[result()], other=[other]))
    assert table.splitlines()[3] == '| other |  |  | 0.8 |'


def test_a_number_without_protocol_is_refused():
    with pytest.raises(ValueError, match=r"no protocol for \['iou'\]"):
        Result({'iou/mean': 0.8}, dict(generation={}))


def test_digests_tell_data_apart():
    a = np.arange(6, dtype=np.float32)
    assert digest(a) == digest(a.copy())
    others = [a + 1, a.reshape(2, 3), a.astype(np.float64), a[::-1]]
    assert len({digest(a), *map(digest, others)}) == 5
    assert digest('ab', 'c') != digest('a', 'bc')
    assert seed_range([3, 1, 2]) == '1-3'
    assert seed_range([1, 3]) == seed_range([3, 1]) != seed_range([1, 4])


def test_results_of_two_stages_are_joined():
    """Names, weights and costs are the last one's, for its costs contain those before."""
    first = Result({'image/psnr': 20.0}, dict(image=dict(num_images=8)), 'vae', costs=COSTS)
    second = replace(result(), costs={**COSTS, 'training_seconds': 90.0})
    both = join([first, second])
    assert both.metrics == {'image/psnr': 20.0, **second.metrics}
    assert both.protocol == {**first.protocol, **second.protocol}
    assert both.config == 'chair'
    assert both.costs['training_seconds'] == 90.0
    assert join([second]) == second
    with pytest.raises(ValueError, match="both have 'generation'"):
        join([second, result()])


def test_costs_survive_a_file(tmp_path):
    kept = replace(result(), costs=COSTS)
    assert Result.load(kept.save(tmp_path / 'result.json')) == kept
