"""Configs: inheritance, the link between the stages, and mistakes that are caught early."""

import copy

import pytest

from ddmi_toolkit.apis import config as module
from ddmi_toolkit.apis.config import config_hash, configs_root, find_config, load_config


def test_stage_two_takes_over_stage_one():
    first = load_config('d2c_vae/shapenet_chair.py')
    second = load_config('ddmi/shapenet_chair.py')
    assert second.model.first_stage == first.model
    wrapped = second.train_dataloader.dataset
    assert wrapped.type == 'LatentCache'
    assert wrapped.dataset == first.train_dataloader.dataset
    assert second.train_dataloader.batch_size == 10  # stage 2's own
    assert second.test_evaluator == first.generation.test_evaluator
    assert second.first_stage.work_dir == first.work_dir == 'work_dirs/d2c_vae/shapenet_chair'
    assert 'denoiser' not in second
    assert 'diffuser' not in second


def test_an_ablation_of_stage_one_reaches_stage_two_by_one_line():
    plain, ablated = (
        load_config('ddmi/shapenet_chair.py', options)
        for options in ({}, {'first_stage_config': 'ablations/chair_concat.py'})
    )
    assert plain.model.first_stage.generator.readout.type == 'CFCReadout'
    assert ablated.model.first_stage.generator.readout.type == 'ConcatReadout'
    assert config_hash(plain) != config_hash(ablated)


def test_resolved_configs_can_be_read_again(tmp_path):
    cfg = load_config('ddmi/modelnet10_chair.py')
    path = tmp_path / 'again.py'
    cfg.dump(path)
    again = load_config(path)
    assert again.model == cfg.model
    assert again.train_dataloader == cfg.train_dataloader
    assert config_hash(again) == config_hash(cfg)


def test_a_model_of_one_stage_that_generates_is_evaluated_as_stage_two(tmp_path):
    """The seeds and metrics of `generation`, nothing to validate; a dump says the same."""
    first = load_config('d2c_vae/modelnet10_chair.py')
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = 'ddmi_toolkit::d2c_vae/modelnet10_chair.py'\ngenerates = True\n")
    cfg = load_config(leaf, {'test_dataloader.dataset.num_samples': 3})
    assert cfg.test_evaluator == first.generation.test_evaluator
    expected = {**first.generation.test_dataloader.dataset, 'num_samples': 3}
    assert cfg.test_dataloader.dataset == expected
    assert not {'val_dataloader', 'val_evaluator', 'val_cfg'} & set(cfg)
    cfg.dump(tmp_path / 'again.py')
    again = load_config(tmp_path / 'again.py')
    assert again.test_dataloader == cfg.test_dataloader
    assert config_hash(again) == config_hash(cfg)


def test_what_generates_needs_data_with_a_generation(tmp_path):
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = 'ddmi_toolkit::_base_/default_runtime.py'\ngenerates = True\n")
    with pytest.raises(KeyError, match=r'generates=True.*add such a base'):
        load_config(leaf)


def test_options_reach_the_first_stage():
    options = {'first_stage.model.latent_channels': 4, 'first_stage.work_dir': 'elsewhere'}
    cfg = load_config('ddmi/modelnet10_chair.py', options)
    assert cfg.model.first_stage.latent_channels == 4
    assert cfg.first_stage.work_dir == 'elsewhere'
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    assert first.model == cfg.model.first_stage
    assert config_hash(first) == cfg.first_stage.hash


def test_the_cache_of_latents_is_an_option():
    cfg = load_config('ddmi/shapenet_chair.py', {'latent_cache': None})
    assert cfg.train_dataloader.dataset.type == 'ShapeNetOccupancy'
    cfg = load_config('ddmi/shapenet_chair.py', {'latent_cache.draws_per_item': 1})
    assert cfg.train_dataloader.dataset.draws_per_item == 1


def test_lengths_of_schedulers_are_fractions_of_the_run():
    cfg = load_config('d2c_vae/modelnet10_chair.py', {'train_cfg.max_iters': 500})
    warm_up, cosine = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 10)
    assert (cosine.begin, cosine.end, cosine.T_max) == (10, 500, 490)


def test_a_leaf_outside_the_checkout_names_shipped_bases(tmp_path):
    leaf = tmp_path / 'mine.py'
    leaf.write_text(
        "_base_ = 'ddmi_toolkit::ddmi/shapenet_chair.py'\n"
        "first_stage_config = 'ddmi_toolkit::ablations/chair_concat.py'\n"
    )
    cfg = load_config(leaf)
    assert cfg.model.first_stage.generator.readout.type == 'ConcatReadout'


def test_configs_are_found_by_path_and_by_name(monkeypatch, tmp_path):
    path = configs_root() / 'ddmi/shapenet_chair.py'
    monkeypatch.chdir(configs_root().parent)
    assert find_config('configs/ddmi/shapenet_chair.py') == path
    monkeypatch.chdir(tmp_path)
    assert find_config('ddmi/shapenet_chair.py') == path
    assert find_config('ddmi_toolkit::ddmi/shapenet_chair.py') == path
    with pytest.raises(FileNotFoundError, match=r'did you mean ddmi/shapenet_chair\.py'):
        find_config('ddmi/shapenet_chairs.py')


def test_hash_ignores_workers_and_folders_but_no_hyperparameter():
    def hashed(**options):
        return config_hash(load_config('d2c_vae/modelnet10_chair.py', options))

    base = hashed()
    assert hashed(**{'train_dataloader.num_workers': 3, 'work_dir': 'elsewhere'}) == base
    assert hashed(**{'train_dataloader.dataset.root': '/other/disk'}) == base
    assert hashed(**{'optim_wrapper.optimizer.lr': 1e-5}) != base
    assert hashed(**{'model.latent_channels': 4}) != base
    assert hashed(**{'randomness.seed': 1}) != base
    assert hashed(**{'train_cfg.max_iters': 7}) != base
    points = 'train_dataloader.dataset.points'
    kept = [
        config_hash(load_config('d2c_vae/srn_cars_128.py', {f'{points}.{k}': v}))
        for k, v in (('cache_dir', 'a'), ('cache_dir', None), ('num_points', 9))
    ]
    assert kept[0] == kept[1] != kept[2]


@pytest.mark.parametrize(
    'text, message',
    [
        ('param_schedulers = []', "unknown top-level key 'param_schedulers'; did you mean"),
        ("_base_ = './absent.py'", "names the base './absent.py'"),
        (
            "first_stage_config = 'absent.py'\ndenoiser = dict()\ndiffuser = dict()",
            'does not exist',
        ),
        ("first_stage_config = 'd2c_vae/shapenet_chair.py'", 'no denoiser; add a base'),
        (
            "_base_ = 'ddmi_toolkit::d2c_vae/modelnet10_chair.py'\n"
            "param_scheduler = [dict(type='LinearLR', end=1.5)]",
            'end=1.5; a float is a fraction',
        ),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(text)
    with pytest.raises((KeyError, ValueError, FileNotFoundError), match=message):
        load_config(leaf)


@pytest.mark.parametrize(
    'option, message',
    [
        ('denoiser.dropout', r'use model\.denoiser'),
        ('model.first_stage.latent_channels', r'use first_stage\.model\.latent_channels'),
        ('modell', 'did you mean'),
        ('data_root', r'dataset\.root'),
        ('generation.test_cfg', 'use test_cfg'),
    ],
)
def test_options_that_would_do_nothing_are_refused(option, message):
    with pytest.raises(KeyError, match=message):
        load_config('ddmi/shapenet_chair.py', {option: 1})


def test_installed_configs_come_first(monkeypatch, tmp_path):
    """A wheel carries the configs inside the package."""
    fake = tmp_path / 'ddmi_toolkit'
    (fake / 'configs/ddmi').mkdir(parents=True)
    (fake / 'apis').mkdir()
    monkeypatch.setattr(module, '__file__', str(fake / 'apis/config.py'))
    assert configs_root() == fake / 'configs'


def test_load_config_leaves_options_alone():
    options = {'first_stage_config': 'ablations/chair_concat.py'}
    before = copy.deepcopy(options)
    load_config('ddmi/shapenet_chair.py', options)
    assert options == before


@pytest.mark.parametrize('discriminator', [{}, dict(discriminator=dict(type='OptimWrapper'))])
def test_a_list_of_schedulers_moves_the_first_of_two_optimizers(tmp_path, discriminator):
    """The constructor says that there are two, whether or not the second differs."""
    wrapper = dict(constructor='AdversarialOptimWrapperConstructor', **discriminator)
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(
        f"_base_ = 'ddmi_toolkit::d2c_vae/procedural_image.py'\noptim_wrapper = {wrapper}\n"
    )
    schedulers = load_config(leaf).param_scheduler
    assert schedulers.discriminator == []
    assert [s.type for s in schedulers.autoencoder] == ['LinearLR', 'CosineAnnealingLR']


def test_a_generator_beside_the_model_replaces_the_models():
    """Nothing of the other generator is left, in either stage."""
    cfg = load_config('baselines/catdog_32_shifted_siren_ldm.py')
    generator = cfg.model.first_stage.generator
    assert (generator.type, generator.network.type) == ('WeightGenerator', 'Siren')
    assert 'readout' not in generator
    assert 'generator' not in cfg
    assert generator == load_config('baselines/catdog_32_shifted_siren.py').model.generator
    wider = {'first_stage.model.generator.width': 8}
    assert load_config('baselines/catdog_32_shifted_siren_ldm.py', wider) != cfg


def test_a_generator_without_a_first_stage_is_refused(tmp_path):
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(
        "_base_ = 'ddmi_toolkit::ddmi/catdog_32.py'\ngenerator = dict(type='WeightGenerator')\n"
    )
    with pytest.raises(KeyError, match=r'leaf\.py has a generator, but no D2CVAE'):
        load_config(leaf)
    with pytest.raises(KeyError, match=r'use model\.generator\.width'):
        load_config('d2c_vae/catdog_32.py', {'generator.width': 8})
