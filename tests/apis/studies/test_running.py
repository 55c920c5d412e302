"""Cells are done once, by one process, whatever happens to the others."""

import multiprocessing
import time
from dataclasses import replace

import pytest
from fake_cells import FIRST, SECOND, install, read_table

from ddmi_toolkit.apis.studies import Row, Study, run_study
from ddmi_toolkit.apis.studies.locks import BusyError, exclusive

ROWS = (
    Row('A', FIRST),
    Row('B', FIRST, {'model.latent_channels': 4}),
)
STUDY = Study('study', ROWS)


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    return install(monkeypatch, tmp_path / 'trained')


def run(study, seeds, tmp_path, **options):
    lines = []
    outcome = run_study(study, seeds, tmp_path / 'out', lines.append, **options)
    return outcome, lines


def test_every_row_has_every_seed(fakes, tmp_path):
    outcome, lines = run(STUDY, [0, 3], tmp_path)
    assert not outcome.failures
    assert fakes.trained == [f'{r}/seed_{s}/stage1' for s in (0, 3) for r in 'ab']
    assert lines[3] == '[4/4] B, seed 3: image/value 3; trained in 0:41:40'
    metric = read_table(tmp_path / 'out')['rows'][1]['metrics']['image/value']
    assert metric == dict(mean=1.5, standard_error=1.5, n=2, values=[0.0, 3.0])
    assert 'image/value' in (tmp_path / 'out/table.md').read_text()


def test_a_killed_study_goes_on_where_it_was(fakes, tmp_path):
    fakes.interrupt_on = 'a/seed_1'
    with pytest.raises(KeyboardInterrupt):
        run(STUDY, [0, 1], tmp_path)
    assert fakes.trained == ['a/seed_0/stage1', 'b/seed_0/stage1']
    assert read_table(tmp_path / 'out')['open'] == ['A, seed 1', 'B, seed 1']
    fakes.interrupt_on = ''
    outcome, lines = run(STUDY, [0, 1], tmp_path)
    assert len(fakes.trained) == len(set(fakes.trained)) == 4
    assert len(fakes.evaluated) == len(set(fakes.evaluated)) == 4
    assert len(lines) == 4
    assert not outcome.failures
    run(STUDY, [0, 1, 2], tmp_path)  # more seeds later
    assert fakes.trained[4:] == ['a/seed_2/stage1', 'b/seed_2/stage1']


def test_a_failing_cell_is_named_and_stops_no_other(fakes, tmp_path):
    fakes.fail_on = 'a/seed_0'
    outcome, lines = run(STUDY, [0, 1], tmp_path)
    assert outcome.failures == {'A, seed 0': 'FloatingPointError: loss_recon is nan'}
    assert len(fakes.trained) == 3
    assert 'failed: FloatingPointError: loss_recon is nan' in lines[0]
    table = read_table(tmp_path / 'out')
    assert table['failures'] == outcome.failures
    assert [r['metrics']['image/value']['n'] for r in table['rows']] == [1, 2]
    text = (tmp_path / 'out/table.md').read_text()
    assert 'Failed: A, seed 0: FloatingPointError: loss_recon is nan' in text
    assert 'Traceback' in (tmp_path / 'out/a/seed_0/output.txt').read_text()
    fakes.fail_on = ''  # the next call tries again
    assert not run(STUDY, [0, 1], tmp_path)[0].failures
    assert read_table(tmp_path / 'out')['failures'] == {}


def test_only_what_differs_is_evaluated_again(fakes, tmp_path):
    run(STUDY, [0], tmp_path)
    other = replace(STUDY, stage1={'test_dataloader.dataset.num_images': 3})
    run(other, [0], tmp_path)
    assert fakes.evaluated == ['a/seed_0/stage1', 'b/seed_0/stage1'] * 2
    assert len(fakes.trained) == 2


def test_a_changed_training_is_refused_and_not_shown(fakes, tmp_path):
    run(STUDY, [0], tmp_path)
    changed = replace(STUDY, rows=(ROWS[0], replace(ROWS[1], options={'model.latent_channels': 2})))
    outcome, _ = run(changed, [0], tmp_path)
    assert list(outcome.failures) == ['B, seed 0']
    assert 'was trained with another config' in outcome.failures['B, seed 0']
    assert '--out' in outcome.failures['B, seed 0']
    assert read_table(tmp_path / 'out')['rows'][1]['metrics'] == {}


def test_numbers_of_different_protocols_are_not_put_into_a_table(fakes, tmp_path):
    run(replace(STUDY, rows=ROWS[:1]), [0], tmp_path)
    fakes.num_images = 9
    outcome, _ = run(STUDY, [0], tmp_path)
    assert 'num_images: 8 and 9' in outcome.failures['table']
    assert (tmp_path / 'out/b/seed_0/stage1/result.json').is_file()


def test_rows_share_a_first_stage_that_is_the_same(fakes, tmp_path):
    rows = (
        Row('A', SECOND),
        Row('B', SECOND, {'train_cfg.max_iters': 7}),
        Row('C', SECOND, {'model.latent_channels': 4}),
    )
    outcome, _ = run(Study('study', rows), [0], tmp_path)
    assert not outcome.failures
    assert fakes.trained == [
        *('a/seed_0/stage1', 'a/seed_0/stage2', 'b/seed_0/stage2'),
        *('c/seed_0/stage1', 'c/seed_0/stage2'),
    ]
    table = read_table(tmp_path / 'out')
    assert all(len(row['metrics']) == 2 for row in table['rows'])


def test_rows_that_are_the_same_training_are_refused(fakes, tmp_path):
    rows = (Row('A', SECOND), Row('B', FIRST))
    with pytest.raises(ValueError, match="'A' and 'B' are one and the same training of stage 1"):
        run(Study('study', rows, num_stages=1), [0], tmp_path)


def test_a_cell_of_another_process_is_left_to_it(fakes, tmp_path, monkeypatch):
    """While its lock is held the others are done; then it is looked at again."""
    held = exclusive(tmp_path / 'out/a/seed_0/.lock')
    held.__enter__()
    done_meanwhile = []

    def release(seconds):
        done_meanwhile.extend(fakes.trained)
        held.__exit__(None, None, None)

    monkeypatch.setattr(time, 'sleep', lambda s: None if s == 0 else release(s))
    run(STUDY, [0, 1], tmp_path, patience=0.1)
    assert done_meanwhile == ['b/seed_0/stage1', 'a/seed_1/stage1', 'b/seed_1/stage1']
    assert fakes.trained == [*done_meanwhile, 'a/seed_0/stage1']


def test_a_first_stage_in_training_elsewhere_is_waited_for(fakes, tmp_path, monkeypatch):
    rows = (Row('A', SECOND), Row('B', SECOND, {'train_cfg.max_iters': 7}))
    held = exclusive(tmp_path / 'out/a/seed_0/.stage1.lock')
    held.__enter__()
    monkeypatch.setattr(
        time, 'sleep', lambda s: None if s == 0 else held.__exit__(None, None, None)
    )
    outcome, _ = run(Study('study', rows), [0], tmp_path, patience=0.1)
    assert not outcome.failures
    assert len(fakes.trained) == 3


@pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
def test_two_processes_share_the_cells(fakes, tmp_path):
    """Each cell is trained by one of them, and both do some."""
    fakes.seconds = 0.1
    context = multiprocessing.get_context('fork')
    work = [
        context.Process(target=run, args=(STUDY, [0, 1, 2], tmp_path), kwargs=dict(patience=0.05))
        for _ in range(2)
    ]
    for process in work:
        process.start()
    for process in work:
        process.join(60)
    assert [process.exitcode for process in work] == [0, 0]
    assert sorted(fakes.trained) == [f'{r}/seed_{s}/stage1' for r in 'ab' for s in range(3)]
    table = read_table(tmp_path / 'out')
    assert [row['metrics']['image/value']['n'] for row in table['rows']] == [3, 3]


@pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
def test_a_killed_process_holds_no_lock(tmp_path):
    path = tmp_path / 'folder/.lock'
    ready = multiprocessing.get_context('fork').Event()

    def hold():
        with exclusive(path):
            ready.set()
            time.sleep(60)

    process = multiprocessing.get_context('fork').Process(target=hold)
    process.start()
    assert ready.wait(20)
    with pytest.raises(BusyError), exclusive(path):
        pass
    process.kill()
    process.join(20)
    with exclusive(path):
        pass


def test_torchrun_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv('WORLD_SIZE', '2')
    with pytest.raises(ValueError, match='start the command several times'):
        run(STUDY, [0], tmp_path)
