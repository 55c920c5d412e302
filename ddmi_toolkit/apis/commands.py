"""What the command-line tools share."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .clips import PLAYBACKS


def parse_seeds(text: str) -> list[int]:
    """Seeds of ``'0-15'`` or ``'1,4,9'`` or a mixture.

    Raises:
        ValueError: Anything else, or an empty range.
    """
    seeds: list[int] = []
    for part in text.split(','):
        low, dash, high = part.strip().partition('-')
        if not is_number(low) or (dash and not is_number(high)):
            raise ValueError(f'--seeds {text!r}: {part!r} is neither a seed nor a range like 0-15')
        if dash and int(high) < int(low):
            raise ValueError(f'--seeds {text!r}: the range {part!r} is empty')
        seeds += range(int(low), int(high or low) + 1)
    return seeds


def is_number(text: str) -> bool:
    """Whether a text is a number of decimal digits, which those like ``'³'`` are not."""
    return text.isascii() and text.isdecimal()


@contextmanager
def readable_errors() -> Iterator[None]:
    """Let a command end with the message alone when the mistake is the user's.

    ``DDMI_TRACEBACK=1`` keeps the traceback.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, OSError, ImportError, FloatingPointError) as error:
        if os.environ.get('DDMI_TRACEBACK'):
            raise
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        kind = type(error).__name__
        if 'in DataLoader worker process' in text:  # torch puts the whole traceback before it
            text = text.rpartition(f'\n{kind}: ')[2].strip()
        raise SystemExit(f'{kind}: {text}\n(DDMI_TRACEBACK=1 shows where)') from None


def add_writer_options(parser: ArgumentParser) -> None:
    """Add the options of how fields become files; which of them apply follows from the axes."""
    plane = parser.add_argument_group('fields over a plane (pictures), and over time (clips)')
    plane.add_argument(
        '--size', type=int, nargs='+', metavar='N', help='rows and columns, or the longer side'
    )
    plane.add_argument(
        '--region',
        type=float,
        nargs='+',
        metavar='V',
        help='part of the field, in its coordinates: X0 Y0 X1 Y1, of clips X0 Y0 T0 X1 Y1 T1',
    )
    plane.add_argument(
        '--cell', type=float, help='average over boxes of so many pixels (1: no aliasing)'
    )
    clips = parser.add_argument_group('clips, and turntables of radiance fields')
    clips.add_argument(
        '--num-frames', type=int, help="frames (default: the layout's; of turntables 48)"
    )
    clips.add_argument(
        '--fps', type=float, help='clips: frames per second (default: lasts as long)'
    )
    clips.add_argument('--playback', choices=PLAYBACKS, help='clips: loop is there and back')
    space = parser.add_argument_group('fields over space (meshes)')
    space.add_argument('--resolution', type=int, help='cells along an axis (default 128)')
    space.add_argument(
        '--threshold', type=float, help='occupancy of the surface (default 0.5), or density'
    )
    views = parser.add_argument_group('radiance fields')
    views.add_argument('--views', type=int, help='pictures with depth and normals (default 8)')
    views.add_argument('--elevation', type=float, help='of the cameras, degrees (default 20)')
    views.add_argument('--radius', type=float, help='of the cameras (default: shows the box)')
    views.add_argument('--fov', type=float, help='angle of view, degrees')
    parser.add_argument(
        '--format',
        help='png, tif or tiff; mp4, gif or frames; glb, ply or obj (default: the first)',
    )


def writer_options(args: Namespace) -> dict[str, Any]:
    """What :func:`make_writer` takes, from the options of :func:`add_writer_options`."""
    plane, clips = ('size', 'region', 'cell'), ('num_frames', 'fps', 'playback')
    views = ('views', 'elevation', 'radius', 'fov')
    names = (*plane, *clips, *views, 'resolution', 'threshold', 'format')
    options = {name: getattr(args, name) for name in names}
    if args.size is not None and len(args.size) == 1:
        options['size'] = args.size[0]
    return options
