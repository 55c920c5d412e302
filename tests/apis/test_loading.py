"""What the tools know of a model before it is built."""

from mmengine.config import Config

from ddmi_toolkit.apis import channels_of, layout_of, load_config

LAYOUT = dict(axes=[dict(name='x', size=8)], planes=['x'])


def test_channels_are_those_of_the_generator_of_either_stage():
    for name in ('d2c_vae/modelnet10_chair.py', 'ddmi/modelnet10_chair.py'):
        assert channels_of(load_config(name)) == 1
    assert channels_of(load_config('ddmi/catdog_32.py')) == 3


def test_a_model_of_one_stage_without_a_generator_states_its_channels():
    cfg = Config(dict(model=dict(type='Elsewhere', layout=LAYOUT, out_channels=5)))
    assert channels_of(cfg) == 5
    assert list(layout_of(cfg).axes) == ['x']
