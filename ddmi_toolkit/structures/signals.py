"""What kind of signal a field is, as its coordinates and channels tell."""

from enum import Enum

from .layout import PlaneLayout


class Signal(Enum):
    """What people look at when they look at a field."""

    LINE = 'a line'
    PICTURE = 'a picture'
    CLIP = 'a clip'
    SURFACE = 'a surface'
    RADIANCE = 'a radiance field'


def signal_of(layout: PlaneLayout, out_channels: int) -> Signal:
    """The kind of a signal.

    One axis is a line, two are a picture. Three are a clip if one of them is the time ``'t'``; else
    they are space, where one channel is an occupancy and four are color and density.

    Args:
        layout: Coordinate axes.
        out_channels: Channels of a value.

    Raises:
        ValueError: Something else, which nothing here can draw.
    """
    axes = ''.join(layout.axes)
    if layout.dim == 1:
        return Signal.LINE
    if layout.dim == 2:
        return Signal.PICTURE
    if layout.dim == 3 and 't' in layout.axes:
        return Signal.CLIP
    if layout.dim == 3 and out_channels in (1, 4):
        return Signal.SURFACE if out_channels == 1 else Signal.RADIANCE
    raise ValueError(
        f'a field over the axes {axes!r} with {out_channels} channels is no kind of signal that '
        f"can be drawn: expected one or two axes, or three of which one is the time 't', or three "
        f'of space with 1 channel (occupancy) or 4 (color and density)'
    )
