"""Where clips lie: folders of frames and video files; one interface."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from .image_files import IMAGE_SUFFIXES, decode_image, to_rgb

FRAME_SUFFIXES = tuple(s for s in IMAGE_SUFFIXES if s != '.gif')
VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.gif', '.mpg', '.mpeg')


class AbstractClip(ABC):
    """Frames in order of time, of which a few are read at a time.

    Args:
        path: What is read.
        name: Of the clip, for people.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.name if name is None else name

    @property
    def stated_length(self) -> int:
        """Number of frames as far as it is known without reading the clip."""
        return len(self)

    @property
    def fps(self) -> float | None:
        """Frames per second; None where nothing says so."""
        return None

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def _load(self, wanted: range) -> list[Image.Image]:
        """Frames of some indices, in 8-bit RGB."""

    def load(self, wanted: range) -> list[Image.Image]:
        """Frames of some indices, in 8-bit RGB and of one size.

        Raises:
            ValueError: One is missing or broken, or they differ in size; the message names it.
        """
        frames = self._load(wanted)
        sizes = [frame.size for frame in frames]
        if odd := next((i for i, size in enumerate(sizes) if size != sizes[0]), 0):
            shapes = [f'{w}x{h} pixels' for w, h in (sizes[odd], sizes[0])]
            raise ValueError(
                f'{self.path}: frame {wanted[odd]} has {shapes[0]}, frame {wanted[0]} has '
                f'{shapes[1]}; all frames of a clip must be of one size'
            )
        return frames


class FrameFolder(AbstractClip):
    """Picture files of one folder, in natural order (``frame2`` before ``frame10``).

    Args:
        path: The folder.
        name: Of the clip.
        files: Names of the files; None looks for them and ignores all that are no pictures.
    """

    def __init__(
        self, path: str | Path, name: str | None = None, files: Sequence[str] | None = None
    ) -> None:
        super().__init__(path, name)
        found = _chosen(os.listdir(self.path), FRAME_SUFFIXES) if files is None else files
        self.files = sorted(found, key=natural_key)

    def __len__(self) -> int:
        """Number of picture files."""
        return len(self.files)

    def _load(self, wanted: range) -> list[Image.Image]:
        return [self._frame(self.path / self.files[i]) for i in wanted]

    def _frame(self, path: Path) -> Image.Image:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ValueError(f'{path}: cannot be read ({error.strerror}); restore it') from error
        return decode_image(data, str(path))


class VideoFile(AbstractClip):
    """A video in any format that FFmpeg decodes, upright, its first video stream.

    The file is opened for each read. The first one goes through all packets, without decoding
    them, to learn when each frame is shown; later ones jump to the key frame before the first
    frame that they want.
    """

    @property
    def stated_length(self) -> int:
        """What the file's header says; counted where it says nothing."""
        with self._opened() as (_, stream):
            stated = stream.frames
        return stated or len(self)

    @property
    def fps(self) -> float | None:
        """Mean number of frames per second."""
        with self._opened() as (_, stream):
            return float(stream.average_rate) if stream.average_rate else None

    def __len__(self) -> int:
        """Number of frames that are shown."""
        return len(self._times)

    @cached_property
    def _times(self) -> list[int | None]:
        """When each frame is shown, in units of the stream; None for formats that do not say."""
        with self._opened() as (container, stream):
            packets = [p for p in container.demux(stream) if p.size and not p.is_discard]
            times = [p.pts for p in packets]
        if None in times or len(set(times)) < len(times):
            return [None] * len(times)
        return sorted(times)

    def _load(self, wanted: range) -> list[Image.Image]:
        found: dict[int, Image.Image] = {}
        can_jump = 0 < wanted[0] < len(self) and self._times[wanted[0]] is not None
        for jump in (True, False) if can_jump else (False,):
            found = self._decoded(wanted, jump)
            if len(found) == len(wanted):
                return [found[i] for i in wanted]
        missing = next(i for i in wanted if i not in found)
        raise ValueError(
            f'{self.path}: frame {missing} of {len(self)} cannot be decoded; the file is damaged, '
            f'restore or remove it'
        )

    def _decoded(self, wanted: range, jump: bool) -> dict[int, Image.Image]:
        """Those of the wanted frames that can be decoded, by index."""
        place = {t: i for i, t in enumerate(self._times) if t is not None}
        found: dict[int, Image.Image] = {}
        with self._opened() as (container, stream):
            if jump:
                container.seek(self._times[wanted[0]], stream=stream)
            for count, frame in enumerate(container.decode(stream)):
                index = place.get(frame.pts, -1) if place else count
                if index in wanted:
                    found[index] = _upright(frame)
                if index >= wanted[-1]:
                    break
        return found

    def _opened(self) -> '_Opened':
        return _Opened(self.path)


class _Opened:
    """A video file and its first video stream; whatever goes wrong meanwhile names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> tuple[Any, Any]:
        try:
            import av
        except ImportError as error:
            raise ImportError(
                f'{self.path} is a video file: pip install av, or unpack it to a folder of frames'
            ) from error
        try:
            self.container = av.open(str(self.path))
        except Exception as error:
            raise self._unreadable(error) from error
        if not self.container.streams.video:
            self.container.close()
            raise self._unreadable('it has no video stream')
        return self.container, self.container.streams.video[0]

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.container.close()
        if isinstance(error, Exception):  # decoders of broken files raise anything
            raise self._unreadable(error) from error

    def _unreadable(self, reason: object) -> ValueError:
        reason = getattr(reason, 'strerror', None) or reason  # the rest repeats the path
        return ValueError(
            f'{self.path}: cannot be read as a video ({reason}); restore or remove it'
        )


def _upright(frame: Any) -> Image.Image:
    """A decoded frame in 8-bit RGB as players show it: turned as noted, on white."""
    has_alpha = any(c.is_alpha for c in frame.format.components) or frame.format.has_palette
    if has_alpha:
        image = to_rgb(Image.fromarray(frame.to_ndarray(format='rgba')))
    else:
        image = frame.to_image()
    turn = round(frame.rotation / 90) % 4 * 90
    return image.rotate(turn, expand=True) if turn else image


def open_clip(path: str | Path) -> AbstractClip:
    """The clip that a path holds: a folder of frames or a video file.

    Raises:
        ValueError: It is neither.
    """
    path = Path(path)
    if path.is_dir():
        clip = FrameFolder(path)
        if clip.files:
            return clip
        raise ValueError(
            f'{path} holds no frames; expected files with a suffix of {FRAME_SUFFIXES}'
        )
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFile(path)
    raise ValueError(
        f'{path} is no clip; expected a folder of frames, or a file with a suffix of '
        f'{VIDEO_SUFFIXES}'
    )


def find_clips(root: str | Path) -> list[AbstractClip]:
    """Every folder that holds frames, and every video file, at any depth; in natural order.

    Clips are named by their paths below the root; hidden ones are left out.
    """
    return sorted(_clips_below(Path(root)), key=lambda clip: natural_key(clip.name))


def _clips_below(root: Path) -> Iterator[AbstractClip]:
    for folder, below, files in os.walk(root, followlinks=True):
        below[:] = [name for name in below if not _is_hidden(name)]
        path = Path(folder)
        name = path.relative_to(root)
        if frames := _chosen(files, FRAME_SUFFIXES):
            yield FrameFolder(path, name.as_posix() if name.parts else root.name, frames)
        for file in _chosen(files, VIDEO_SUFFIXES):
            yield VideoFile(path / file, (name / file).as_posix())


def natural_key(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Sort key that compares digits as numbers: ``'frame2' < 'frame10'``."""
    parts = re.split(r'(\d+)', name)
    return [(0, int(p)) if i % 2 else (1, p) for i, p in enumerate(parts)], name


def _chosen(names: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    return [n for n in names if Path(n).suffix.lower() in suffixes and not _is_hidden(n)]


def _is_hidden(name: str) -> bool:
    return name.startswith(('.', '__MACOSX'))
