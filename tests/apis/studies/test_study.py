"""Studies: files, lists of configs, grids; and the shipped ones at every scale."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from mmengine.config import Config

from ddmi_toolkit.apis import check_config, configs_root, load_config
from ddmi_toolkit.apis.studies import (
    Row,
    Study,
    is_study,
    load_study,
    study_of,
    with_grid,
    with_options,
    with_stages,
)
from ddmi_toolkit.apis.studies.cells import make_cells
from ddmi_toolkit.evaluation.directions import direction_of

FIRST, SECOND = 'd2c_vae/procedural_image.py', 'ddmi/procedural_image.py'
SHIPPED = [
    (str(p.relative_to(configs_root())), scale)
    for p in sorted(configs_root().rglob('*.py'))
    if '\nscales = ' in p.read_text()  # loading all of them is slow
    for scale in Config.fromfile(p).scales
]
FILE = """
columns = [dict(title='PSNR', stage=1, metric='image/psnr'),
           dict(title='rank', stage=2, metric='generation/rank', direction='lower')]
rows = [dict(name='one', paper=dict(PSNR=30.0)),
        dict(name='two', options={'model.latent_channels': 4})]
both = ['ddmi/procedural_image.py'] * 2
scales = dict(
    small=dict(configs=both, stage1={'train_cfg.max_iters': 5}, stage2={'train_cfg.max_iters': 6},
               note='words', metrics=dict(rank='generation_8/rank')),
    short=dict(configs=both[:1]),
)
del both
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(FILE)
    return path


@pytest.mark.parametrize('name, scale', SHIPPED)
def test_every_row_of_a_shipped_study_builds(name, scale, tmp_path):
    """At its real size, on the meta device, both stages."""
    study = load_study(name, scale)
    for cell in make_cells(study, [1], tmp_path):
        assert [stage.number for stage in cell.stages] == [1, 2]
        for stage in cell.stages:
            check_config(stage.cfg)
            assert stage.cfg.randomness.seed == 1
    titles = {column.title for column in study.columns}
    assert all(column.direction == direction_of(column.metric) for column in study.columns)
    assert all(set(row.paper) <= titles for row in study.rows)


def test_the_rows_of_table_8_are_the_papers():
    rows = load_study('ablations/table8.py', 'paper').rows
    psnr, fid = ([row.paper[k] for row in rows] for k in ('PSNR', 'FID'))
    assert all(a < b for a, b in pairwise(psnr))
    assert all(a > b for a, b in pairwise(fid))


def test_a_study_is_told_from_a_config(file):
    assert is_study(file)
    assert is_study(configs_root() / 'ablations/table8.py')
    assert not is_study(configs_root() / SECOND)


def test_a_study_may_inherit(file):
    """Its own rows, and the scales of its base."""
    own = file.with_name('own.py')
    own.write_text("_base_ = 'mine.py'\nrows = [dict(name=n) for n in 'xy']\n")
    assert is_study(own)
    assert [row.name for row in load_study(own).rows] == ['x', 'y']


@pytest.mark.parametrize('read', [is_study, load_study, load_config])
def test_a_file_that_is_no_python_is_named_with_its_line(read, file):
    file.write_text('x = 1\ny = (\n')
    leaf = file.with_name('leaf.py')
    leaf.write_text("_base_ = 'mine.py'\n")
    for path in (file, leaf):
        with pytest.raises(ValueError, match=r'mine\.py, line 2: .* never closed'):
            read(path)


@pytest.mark.parametrize('key, way', [('randomness.seed', '--seeds'), ('work_dir', '--out')])
def test_what_a_study_gives_itself_is_no_option(key, way):
    study = study_of([SECOND])
    for change in (
        lambda: with_options(study, {key: 7}),
        lambda: with_options(study, {f'first_stage.{key}': 7}),
        lambda: with_grid(study, {key: [7]}),
        lambda: replace(study, stage2={key: 7}),
    ):
        with pytest.raises(ValueError, match=f'{key} is what a study gives .* use {way}'):
            change()


def test_values_of_either_sign_have_folders_of_their_own():
    rows = with_grid(Study('s', (Row('a', FIRST),)), {'model.shift': [-1, 1]}).rows
    assert [row.slug for row in rows] == ['shift_-1', 'shift_1']


def test_training_a_study_says_what_to_do_instead(file):
    with pytest.raises(KeyError, match=r'is a study .* python tools/ablate\.py'):
        load_config(file)


def test_a_scale_gives_configs_options_and_metrics(file):
    study = load_study(file)
    assert study.name == 'mine_small'
    assert [c.metric for c in study.columns] == ['image/psnr', 'generation_8/rank']
    assert [c.direction for c in study.columns] == ['higher', 'lower']
    assert study.rows[0].paper == dict(PSNR=30.0)
    assert all(Path(row.config).match('ddmi/procedural_image.py') for row in study.rows)


def test_a_scale_may_have_options_of_each_row(file):
    """Beside those that the row has at every scale."""
    file.write_text(FILE.replace('note=', "options=[{'train_cfg.max_iters': 3}, {}], note="))
    one, two = load_study(file).rows
    assert one.options == {'train_cfg.max_iters': 3}
    assert two.options == {'model.latent_channels': 4}


def test_options_reach_their_stages(file, tmp_path):
    """Of a scale, a row and a command line; the seed reaches both."""
    study = with_options(
        load_study(file),
        {'optim_wrapper.optimizer.lr': 0.5, 'first_stage.optim_wrapper.optimizer.lr': 0.25},
    )
    one, two = make_cells(study, [7], tmp_path)
    for cell, channels in ((one, load_config(FIRST).model.latent_channels), (two, 4)):
        first, second = (stage.cfg for stage in cell.stages)
        assert (first.train_cfg.max_iters, second.train_cfg.max_iters) == (5, 6)
        assert (first.optim_wrapper.optimizer.lr, second.optim_wrapper.optimizer.lr) == (0.25, 0.5)
        assert first.model.latent_channels == second.model.first_stage.latent_channels == channels
        assert first.randomness.seed == second.randomness.seed == 7
        assert second.first_stage.work_dir == first.work_dir
    assert Path(two.stages[1].cfg.work_dir) == tmp_path / 'two/seed_7/stage2'


def test_stage_2_trains_the_first_stage_that_was_planned(file, tmp_path):
    """What ``train`` makes of the stage-2 config is the config of stage 1, folder and all."""
    for cell in make_cells(load_study(file), [3], tmp_path):
        first, second = cell.stages
        link = second.cfg.first_stage
        again = load_config(link.config, link.options)
        assert again.to_dict() | {'experiment_name': ''} == (
            first.cfg.to_dict() | {'experiment_name': ''}
        )
        cache = second.cfg.train_dataloader.dataset
        assert Path(cache.cache_dir).parent == first.folder


@pytest.mark.parametrize(
    'change, message',
    [
        (("'two'", "'One'"), "rows 'one' and 'One' .* folder 'one'"),
        (('note=', 'nte='), "unknown key 'nte' of a scale"),
        (("dict(name='one', paper", "dict(name='one', papr"), "unknown key 'papr' of a row"),
        (('stage=1', 'stge=1'), "unknown key 'stge' of a column"),
        (('del both', 'row = 1'), "unknown key 'both' of a study"),
        (("dict(name='one', paper", 'dict(paper'), r"mine.py: no 'name' in the row .*; add it"),
        ((", metric='image/psnr'", ''), "mine.py: no 'metric' in the column"),
        (('configs=both,', ''), "mine.py: no 'configs' in the scale"),
        (("rows = [dict(name='one', paper=dict(PSNR=30.0))", "rows = ['one'"), "'one' is no row"),
        (('configs=both,', "configs='ab',"), "configs of scale 'small' is 'ab'; expected a list"),
        (('note=', 'options={}, note='), "options of scale 'small' is {}; expected a list"),
        (('note=', 'options=[{}], note='), "scale 'small' has 1 options for 2 rows"),
        (('stage=1', 'stage=3'), "column 'PSNR': stage=3; expected 1, 2 or None"),
        (('stage=1', "stage='1'"), "column 'PSNR': stage='1'; expected 1, 2 or None"),
        (("direction='lower'", "direction='up'"), "'rank': direction='up'; expected one of 'high"),
        (('paper=dict(PSNR', 'paper=dict(PSRN'), "paper of row 'one': 'PSRN' is no title"),
        (('metrics=dict(rank', 'metrics=dict(rnak'), "scale 'small': 'rnak' is no title"),
        (("title='PSNR'", "title='rank'"), "two columns .* title 'rank'"),
    ],
)
def test_mistakes_in_a_file_are_named(file, change, message):
    file.write_text(FILE.replace(*change))
    with pytest.raises((ValueError, KeyError), match=message):
        load_study(file)


def test_a_scale_must_exist_and_fit(file):
    with pytest.raises(ValueError, match=r"no scale 'paper'; it has \['short', 'small'\]"):
        load_study(file, 'paper')
    with pytest.raises(ValueError, match="'short' has 1 configs for 2 rows"):
        load_study(file, 'short')
    with pytest.raises(ValueError, match='is not a study'):
        load_study(FIRST)


def test_a_list_of_configs_is_a_study(file):
    study = study_of([FIRST, SECOND])
    assert [row.name for row in study.rows] == ['d2c_vae/procedural_image', 'ddmi/procedural_image']
    assert study_of(['ddmi/catdog_32.py', 'ddmi/sky_64.py']).rows[1].name == 'sky_64'
    with pytest.raises(ValueError, match='is given twice'):
        study_of([FIRST, FIRST])
    with pytest.raises(ValueError, match='is a study: give it alone'):
        study_of([FIRST, file])


def test_a_grid_is_a_product():
    base = Study('s', (Row('a', FIRST, {'x': 1}, {'PSNR': 1.0}), Row('b', FIRST)))
    grid = {'model.readout.type': ['U', 'V'], 'model.width': [8, 16, 32]}
    study = with_grid(base, grid)
    assert len(study.rows) == 2 * 2 * 3
    assert study.rows[1].name == 'a, readout.type=U, width=16'
    assert study.rows[1].options == {'x': 1, 'model.readout.type': 'U', 'model.width': 16}
    assert study.rows[1].paper == {}
    assert study.name == 's_by_readout.type_by_width'
    assert len({tuple(map(str, row.options.items())) for row in study.rows}) == 12
    single = with_grid(Study('s', base.rows[:1]), {'model.width': [8]})
    assert single.rows[0].name == 'width=8'
    assert with_grid(base, {}) is base


def test_keys_of_a_grid_that_end_alike_are_told_apart():
    rows = with_grid(Study('s', (Row('a', FIRST),)), {'x.p.width': [1], 'y.q.width': [2]}).rows
    assert rows[0].name == 'p.width=1, q.width=2'


def test_a_grid_reaches_the_first_stage_of_a_second(tmp_path):
    kinds = ['CFCReadout', 'ConcatReadout']
    study = with_grid(study_of([SECOND]), {'model.generator.readout.type': kinds})
    cells = make_cells(study, [0], tmp_path)
    assert [c.stages[0].cfg.model.generator.readout.type for c in cells] == kinds
    assert len({c.stages[1].key for c in cells}) == 2
    alone = make_cells(with_stages(study, 1), [0], tmp_path)
    assert [[s.key for s in c.stages] for c in alone] == [[c.stages[0].key] for c in cells]


@pytest.mark.parametrize('key', ['train_cfg.max_iters', 'model.denoiser.width'])
def test_an_option_of_a_stage_that_is_left_out_is_refused(key, tmp_path):
    """It would change nothing; overrides of every stage-2 config and first stages may be there."""
    study = with_stages(study_of([SECOND]), 1)
    with pytest.raises(ValueError, match=f'option {key} is of stage 2.*write first_stage.{key}'):
        make_cells(with_options(study, {key: 7}), [0], tmp_path)
    with pytest.raises(ValueError, match=f'option {key} is of stage 2'):
        make_cells(with_grid(study, {key: [7, 8]}), [0], tmp_path)
    allowed = replace(with_options(study, {'first_stage_config': FIRST}), stage2={key: 7})
    make_cells(allowed, [0], tmp_path)
    (cell,) = make_cells(with_options(study, {'first_stage.train_cfg.max_iters': 7}), [0], tmp_path)
    assert cell.stages[0].cfg.train_cfg.max_iters == 7
