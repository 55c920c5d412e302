"""The table: what it says of rows, seeds, the paper, time and what is missing."""

import json
import math
from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from PIL import Image

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.apis.studies import Column, Row, Study
from ddmi_toolkit.apis.studies.cells import Record
from ddmi_toolkit.apis.studies.plot import save_plot
from ddmi_toolkit.apis.studies.report import Report, as_json, as_markdown
from ddmi_toolkit.evaluation import ProtocolError, Result

STUDY = Study(
    'demo_tiny',
    (Row('A', 'a.py', paper=dict(PSNR=32.72)), Row('B | b', 'b.py')),
    (
        Column('PSNR', 'image/psnr', 1, 'higher'),
        Column('FID', 'generation/fid', 2, 'lower'),
    ),
    note='Means nothing.',
)


def kept(stage: int, value: float, **protocol) -> tuple[Record, Result]:
    name = {1: 'image/psnr', 2: 'generation/fid'}[stage]
    parts = {1: dict(model=1200, generator=800), 2: dict(denoiser=3_000_000)}[stage]
    result = Result({name: value}, {name.partition('/')[0]: dict(size=32) | protocol})
    return Record('c', 'e', 'w', 10, 90.0 * stage, parts), result


REPORT = Report(
    STUDY,
    {
        1: {'A': {0: kept(1, 20.0), 1: kept(1, 22.0)}, 'B | b': {0: kept(1, 24.0)}},
        2: {'A': {0: kept(2, 3.0)}},
    },
    open_cells=('A, seed 1', 'B | b, seed 0', 'B | b, seed 1'),
    failures={'B | b, seed 0': 'ValueError: no'},
)


def test_the_table_in_words():
    lines = as_markdown(REPORT).splitlines()
    assert lines[:3] == ['# demo_tiny', '', '**Means nothing.**']
    assert lines[4] == (
        '|  | PSNR ↑ | PSNR, paper | FID ↓ | parameters of stage 1 | of its generator '
        '| of the denoiser | time of stage 1 | time of stage 2 |'
    )
    assert lines[6] == (
        '| A | 21.0 ± 1.0 (2) | 32.72 | 3 (1) | 1,200 | 800 | 3,000,000 | 0:01:30 | 0:03:00 |'
    )
    assert lines[7] == r'| B \| b | **24** (1) |  |  | 1,200 | 800 |  | 0:01:30 |  |'
    assert '- `image`: size 32' in lines
    assert 'Not done yet: A, seed 1; B | b, seed 1.' in lines
    assert lines[-1] == 'Failed: B | b, seed 0: ValueError: no'


def test_the_table_for_programs():
    table = as_json(REPORT)
    first = table['rows'][0]
    assert first['metrics']['PSNR'] == dict(
        mean=21.0, standard_error=pytest.approx(1.0), n=2, values=[20.0, 22.0]
    )
    assert first['metrics']['FID']['standard_error'] is None
    assert first['paper'] == dict(PSNR=32.72)
    assert first['parameters'] == dict(model=1200, generator=800, denoiser=3_000_000)
    assert first['seconds']['stage2']['mean'] == 180.0
    assert table['protocol'] == dict(
        stage1=dict(image=dict(size=32)), stage2=dict(generation=dict(size=32))
    )


def test_a_program_learns_of_every_protocol_and_no_nan():
    """Also of a metric that the first row lacks; and of configs as others name them."""
    record, result = kept(1, math.nan)
    other = Result({'mesh/psnr': math.inf}, {'mesh': dict(size=8)})
    record = replace(record, seconds=math.nan)
    shipped = Row('A', str(configs_root() / 'ddmi/catdog_32.py'))
    report = Report(
        Study('demo', (shipped, STUDY.rows[1])),
        {1: {'A': {0: (record, result)}, 'B | b': {0: (record, other)}}},
    )
    table = as_json(report)
    assert table['protocol'] == dict(stage1=dict(image=dict(size=32), mesh=dict(size=8)))
    assert [row['config'] for row in table['rows']] == ['ddmi/catdog_32.py', 'b.py']
    one, two = table['rows']
    assert one['metrics']['image/psnr']['values'] == two['metrics']['mesh/psnr']['values'] == [None]
    json.dumps(table, allow_nan=False)


def test_a_column_of_two_protocols_is_refused():
    mixed = Report(STUDY, {1: {'A': {0: kept(1, 1.0)}, 'B | b': {0: kept(1, 1.0, size=64)}}})
    with pytest.raises(ProtocolError, match=r"'A' and 'B \| b' cannot be compared.*32 and 64"):
        as_markdown(mixed)


def test_a_column_without_a_stage_is_of_each_rows_last():
    """A model of one stage that generates stands beside one of two."""
    record, _ = kept(1, 0.0)
    alone = record, Result({'generation/fid': 5.0}, {'generation': dict(size=32)})
    rows = (Row('A', 'a.py'), Row('B | b', 'b.py'))
    study = Study('demo', rows, (Column('FID', 'generation/fid', None, 'lower'),))
    both = {1: {'A': {0: kept(1, 20.0)}, 'B | b': {0: alone}}, 2: {'A': {0: kept(2, 3.0)}}}
    lines = as_markdown(Report(study, both)).splitlines()
    assert lines[2].startswith('|  | FID ↓ | parameters')
    assert lines[4].startswith('| A | **3** (1) |')
    assert lines[5].startswith(r'| B \| b | 5 (1) |')
    other = record, Result({'generation/fid': 5.0}, {'generation': dict(size=64)})
    both[1]['B | b'] = {0: other}
    with pytest.raises(ProtocolError, match='32 and 64'):
        as_markdown(Report(study, both))


def test_without_columns_every_metric_is_shown():
    study = Study('demo', STUDY.rows)
    head = as_markdown(Report(study, REPORT.kept)).splitlines()[2]
    assert head.startswith('|  | image/psnr ↑ | generation/fid ↓ |')


def test_an_empty_study_has_a_table_and_no_plot(tmp_path):
    empty = Report(STUDY, {}, open_cells=('A, seed 0',))
    assert '| A |  | 32.72 |  |' in as_markdown(empty)
    save_plot(empty, tmp_path / 'table.png')
    assert not (tmp_path / 'table.png').exists()


def test_the_plot_is_a_picture_with_the_papers_values_below(tmp_path):
    """Published values need a second line of panels."""
    save_plot(REPORT, tmp_path / 'with.png')
    bare = Study('demo', (Row('A', 'a.py'), Row('B | b', 'b.py')), STUDY.columns)
    save_plot(Report(bare, REPORT.kept), tmp_path / 'without.png')
    sizes = {}
    for name in ('with', 'without'):
        with Image.open(tmp_path / f'{name}.png') as picture:
            sizes[name] = picture.size
    assert sizes['with'][0] == sizes['without'][0]
    assert sizes['with'][1] > sizes['without'][1]


def test_the_plot_shows_means_errors_and_seeds_of_each_row(monkeypatch, tmp_path):
    """The first row on top; published values in the lower panel of their own column only."""
    figures = []
    monkeypatch.setattr(Figure, 'savefig', lambda self, *_, **__: figures.append(self))
    save_plot(REPORT, tmp_path / 'table.png')
    psnr, fid, paper, nothing = figures[0].axes
    assert [a.get_title() for a in (psnr, fid, paper)] == ['PSNR ↑', 'FID ↓', 'PSNR ↑, paper']
    assert not nothing.axison
    assert psnr.transData.transform((0, 0))[1] > psnr.transData.transform((0, 1))[1]
    assert [t.get_text() for t in psnr.get_yticklabels()] == ['A', 'B | b']
    assert drawn(psnr) == {0: (21.0, 1.0, [20.0, 22.0]), 1: (24.0, None, [24.0])}
    assert drawn(fid) == {0: (3.0, None, [3.0])}
    assert drawn(paper) == {0: (32.72, None, [32.72])}


def drawn(axes) -> dict:
    """Mean, standard error and seeds by row."""
    seeds = [line for line in axes.lines if line.get_marker() == '.']
    rows = {}
    for dots, bar in zip(seeds, axes.containers, strict=True):
        mean, _, bars = bar.lines
        (x,), (y,) = mean.get_data()
        error = None
        if bars:
            (low, _), (high, _) = bars[0].get_segments()[0]
            assert high - x == pytest.approx(x - low)
            error = pytest.approx(high - x)
        assert set(dots.get_ydata()) == {y}
        rows[y] = (x, error, list(dots.get_xdata()))
    return rows
