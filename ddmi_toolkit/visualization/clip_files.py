"""Video files written frame by frame, so that a clip need not fit into memory."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

_QUALITY = dict(crf='12', preset='medium')  # visually lossless; 51 is the worst
_GIF_CLOCK = 100
# ITU-T H.273; BT.601 is what readers take that do not look at the note.
_BT601, _BT709, _LIMITED = 6, 1, 1


def write_mp4(
    file: BinaryIO, frames: Iterable[np.ndarray], shape: tuple[int, int], fps: float
) -> None:
    """Write H.264 in an MP4 that browsers and phones play.

    They require colors at half the resolution, which dims sharp colored edges, and even sizes: an
    odd one is padded by repeating its last row or column.

    Args:
        file: Open for writing.
        frames: Each ``(H, W, 3)`` uint8.
        shape: ``(H, W)``.
        fps: Frames per second.
    """
    av = import_av('MP4 files')
    height, width = (n + n % 2 for n in shape)
    with av.open(file, 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=as_rate(fps), options=_QUALITY)
        stream.height, stream.width, stream.pix_fmt = height, width, 'yuv420p'
        coder = stream.codec_context
        coder.colorspace, coder.color_range = _BT601, _LIMITED
        coder.color_primaries = coder.color_trc = _BT709
        for picture in frames:
            rest = [(0, n - m) for n, m in zip((height, width), picture.shape, strict=False)]
            picture = np.pad(picture, [*rest, (0, 0)], mode='edge')
            frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
            frame = frame.reformat(format='yuv420p', dst_colorspace='ITU601')
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_gif(
    file: BinaryIO, frames: Iterable[np.ndarray], shape: tuple[int, int], fps: float
) -> None:
    """Write an animated GIF that repeats forever, 256 dithered colors of each frame's own.

    Its clock counts hundredths of a second; most viewers show at most 50 frames per second.

    Args:
        file: Open for writing.
        frames: Each ``(H, W, 3)`` uint8.
        shape: ``(H, W)``.
        fps: Frames per second.
    """
    av = import_av('GIF files')
    rate = as_rate(fps)
    with av.open(file, 'w', format='gif', options=dict(loop='0')) as container:
        stream = container.add_stream('gif', rate=rate)
        stream.height, stream.width, stream.pix_fmt = *shape, 'pal8'
        for frame in _with_palettes(av, frames, shape, 1 / rate):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _with_palettes(
    av: Any, frames: Iterable[np.ndarray], shape: tuple[int, int], tick: Fraction
) -> Iterator[Any]:
    """Frames reduced to 256 colors of their own, by FFmpeg's palettegen and paletteuse."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=shape[1], height=shape[0], format=av.VideoFormat('rgb24'), time_base=tick
    )
    split, sink = graph.add('split'), graph.add('buffersink')
    palette = graph.add('palettegen', 'stats_mode=single')
    reduced = graph.add('paletteuse', 'new=1:dither=sierra2_4a')
    source.link_to(split)
    split.link_to(reduced, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(reduced, 0, 1)
    reduced.link_to(sink)
    graph.configure()

    def ready() -> Iterator[Any]:
        while True:
            try:
                yield graph.pull()
            except (BlockingIOError, EOFError):  # nothing yet, nothing more
                return

    for index, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
        frame.pts, frame.time_base = index, tick
        graph.push(frame)
        yield from ready()
    graph.push(None)
    yield from ready()


def as_rate(fps: float) -> Fraction:
    """Frames per second as containers store them.

    Raises:
        ValueError: It is not between 0.001 and 10,000.
    """
    if not 1e-3 <= fps < 10_000:
        raise ValueError(
            f'fps={fps} must be a positive number of frames per second, from 0.001 to 10000'
        )
    return Fraction(fps).limit_denominator(1001)


def check_rate(suffix: str, fps: float) -> None:
    """Refuse more frames per second than files of a suffix can show.

    Raises:
        ValueError: A GIF has more than 100.
    """
    if suffix.lower() == '.gif' and fps > _GIF_CLOCK:
        raise ValueError(
            f'fps={fps:g}: a GIF shows at most {_GIF_CLOCK} frames per second, for its clock '
            f"counts hundredths of a second; lower fps or num_frames, or choose format='mp4'"
        )


def import_av(what: str) -> Any:
    """PyAV.

    Raises:
        ImportError: It is not installed; the message says how to get it.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(f"{what} need PyAV: pip install av, or choose format='frames'") from error
    return av


CLIP_STREAMS: dict[
    str, Callable[[BinaryIO, Iterable[np.ndarray], tuple[int, int], float], None]
] = {'.mp4': write_mp4, '.gif': write_gif}
"""How a clip is streamed to a file, by suffix."""
