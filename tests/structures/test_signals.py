"""What a field's coordinates and channels say about what it is."""

import pytest

from ddmi_toolkit.structures import PlaneLayout, Signal, signal_of


@pytest.mark.parametrize(
    'axes, channels, signal',
    [
        ('t', 1, Signal.LINE),
        ('xy', 3, Signal.PICTURE),
        ('yt', 1, Signal.PICTURE),
        ('xyt', 3, Signal.CLIP),
        ('txy', 4, Signal.CLIP),
        ('xyz', 1, Signal.SURFACE),
        ('xyz', 4, Signal.RADIANCE),
    ],
)
def test_axes_and_channels_tell_the_signal(axes, channels, signal):
    layout = PlaneLayout([dict(name=a, size=8) for a in axes], [axes[:2]])
    assert signal_of(layout, channels) is signal


@pytest.mark.parametrize('axes, channels', [('xyz', 3), ('xyzt', 4), ('abc', 2)])
def test_other_fields_are_no_signal(axes, channels):
    layout = PlaneLayout([dict(name=a, size=8) for a in axes], [axes[:2]])
    with pytest.raises(ValueError, match=f"axes '{axes}' with {channels} channels .* expected one"):
        signal_of(layout, channels)
