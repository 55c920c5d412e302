"""Building components: offers, roles, and errors that name the remedy."""

import pytest
from torch import nn

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout


class Offered(nn.Module):
    """Takes one of the offers."""

    def __init__(self, channels: int, width: int = 3) -> None:
        super().__init__()
        self.channels, self.width = channels, width


class Anything(nn.Module):
    """Takes whatever it is given."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.options = options


class Bare(nn.Module):
    """Takes nothing: its ``__init__`` is that of ``nn.Module``."""


CLASSES = (Offered, Anything, Bare)


@pytest.fixture(autouse=True)
def registered():
    """The classes, for the time of a test."""
    for cls in CLASSES:
        MODELS.register_module(module=cls)
    yield
    for cls in CLASSES:
        MODELS.module_dict.pop(cls.__name__)


def test_a_class_is_given_the_offers_that_it_names():
    offers = dict(channels=5, layout='unused')
    built = MODELS.build(dict(type='Offered', width=7), default_args=offers)
    assert (built.channels, built.width) == (5, 7)
    assert MODELS.build(dict(type='Anything'), default_args=offers).options == offers
    assert isinstance(MODELS.build(dict(type='Bare'), default_args=offers), Bare)


def test_the_config_wins_over_an_offer():
    assert (
        MODELS.build(dict(type='Offered', channels=1), default_args=dict(channels=5)).channels == 1
    )


def test_configs_are_not_changed():
    config = dict(type='Offered')
    MODELS.build(config, default_args=dict(channels=2))
    assert config == dict(type='Offered')


@pytest.mark.parametrize(
    'config, error, message',
    [
        (dict(type='Ofered'), ValueError, "no type 'Ofered' .did you mean 'Offered'"),
        (dict(type='some.module.Class'), ValueError, 'custom_imports'),
        (dict(channels=1), ValueError, "has no 'type'"),
        (dict(type='Offered', chanels=1), TypeError, "no argument 'chanels' .did you mean"),
        (dict(type='Offered', channels=1, depth=2), TypeError, '_delete_=True drops'),
        (dict(type='Bare', width=1), TypeError, r"'Bare' has no argument 'width'; it takes \[\]"),
        (
            dict(type='Offered', width=1),
            TypeError,
            r"'Offered' needs 'channels', which .*; it takes \['channels', 'width'\]",
        ),
    ],
)
def test_mistakes_are_named(config, error, message):
    with pytest.raises(error, match=message):
        MODELS.build(config)


def test_roles_are_demanded_by_class_or_name():
    layout = PlaneLayout([dict(name='x', size=8), dict(name='y', size=8)], ['xy'])
    offers = dict(layout=layout, channels=2)
    config = dict(
        type='PlaneUNet', model_channels=32, channel_mult=(1,), num_head_channels=8, mix='none'
    )
    built = MODELS.build(config, role='AbstractDenoiser', default_args=offers)
    assert MODELS.build(built, role=type(built)) is built
    for role in ('AbstractEncoder', Offered):
        with pytest.raises(TypeError, match="'PlaneUNet' is AbstractDenoiser, expected"):
            MODELS.build(config, role=role, default_args=offers)
    assert 'PlaneUNet' in MODELS.names('AbstractDenoiser')
