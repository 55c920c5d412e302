"""What a command line means: seeds, grids, and the stage that an option is for."""

import pytest

from ddmi_toolkit.apis import load_config
from ddmi_toolkit.apis.studies import parse_grid, parse_seed_list, split_options

SECOND = 'ddmi/procedural_image.py'


@pytest.mark.parametrize(
    'text, seeds',
    [
        ('3', [0, 1, 2]),
        ('1', [0]),
        ('1-2', [1, 2]),
        ('0,4', [0, 4]),
        ('4-4', [4]),
        ('7,1-2', [7, 1, 2]),
    ],
)
def test_seeds_are_a_count_or_named(text, seeds):
    assert parse_seed_list(text) == seeds


@pytest.mark.parametrize('text', ['0', '1,1', 'x', '3-1', '-1', '', '1.5', '³', '1-³'])
def test_no_seed_is_an_error(text):
    with pytest.raises(ValueError, match=f"--seeds '{text}'.* expected a count like 3, or"):
        parse_seed_list(text)


def test_grid_values_are_read_as_options_are():
    grid = parse_grid(['a.type=X,Y', 'a.b=(4,2,1),(1,)', 'c=0.5,None,True', 'd=[1,2],[3]', 'e=7'])
    assert grid == {
        'a.type': ['X', 'Y'],
        'a.b': [(4, 2, 1), (1,)],
        'c': [0.5, None, True],
        'd': [[1, 2], [3]],
        'e': [7],
    }


@pytest.mark.parametrize(
    'axes, message',
    [
        (['a'], 'expected key=value'),
        (['a='], 'expected key=value'),
        (['=1'], 'expected key=value'),
        (['a=1', 'a=2'], 'each key once'),
        (['a=(1,2'], 'expected key=value'),
        (['a=1,2,1'], 'the value 1 stands there twice'),
    ],
)
def test_bad_grids_are_named(axes, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_grid(axes)
    assert f'--grid {axes[-1]!r}' in str(error.value)


def test_options_find_their_stage():
    """Parts of the first stage's model are its own; all else is the named config's."""
    first, second = split_options(
        load_config(SECOND),
        {
            'model.generator.readout.type': 'ConcatReadout',
            'model.latent_channels': 4,
            'model.denoiser.width': 8,
            'model.normalize_latents': True,  # not in the config, but an argument
            'train_cfg.max_iters': 7,
            'first_stage.train_cfg.max_iters': 9,
            'first_stage_config': 'd2c_vae/procedural_image.py',
        },
    )
    assert first == {
        'model.generator.readout.type': 'ConcatReadout',
        'model.latent_channels': 4,
        'train_cfg.max_iters': 9,
    }
    assert set(second) == {
        *('model.denoiser.width', 'model.normalize_latents'),
        *('train_cfg.max_iters', 'first_stage_config'),
    }


def test_the_same_options_serve_a_first_stage_alone():
    first, second = split_options(
        load_config('d2c_vae/procedural_image.py'),
        {'model.latent_channels': 4, 'first_stage.train_cfg.max_iters': 9},
    )
    assert first == {'model.latent_channels': 4, 'train_cfg.max_iters': 9}
    assert second == {}
