"""Clips from folders of frames and from video files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from ..registry import DATASETS
from .base import AbstractDataset, Record
from .video_sources import FRAME_SUFFIXES, VIDEO_SUFFIXES, AbstractClip, find_clips

_SPLITS = {'train', 'val', 'test'}
_WARNING = 30


@DATASETS.register_module()
class VideoFolder(AbstractDataset):
    """Windows of clips, each a folder of frames or a video file, see ``video_sources``.

    Clips lie at any depth: ``<root>/<split>/<video>/frame*.jpg``, with folders for the clips of a
    video between, or as files. A record is ``dict(name, frames, index, visit)`` with a list of RGB
    Pillow images of one size. Of a clip, only the frames of the window are read.

    Args:
        root: The folder.
        split: A folder inside it (``'train'``), None for all.
        num_frames: Frames of a window.
        stride: Every how manieth frame of the clip is taken.
        random_start: Whether windows start anywhere (training). If not, one window is the middle
            of its clip, and several are spread evenly from its first frame to its last.
        num_windows: Items per clip, which follow each other.
        start: First clip to take of those that are long enough, in natural order of name; negative
            from the end. Sets without splits are divided by it.
        stop: The clip before which to stop; None takes all.
        pipeline: Transforms.

    Raises:
        ValueError: The root or the split is missing, or no clip is long enough. Clips that are
            too short are skipped with a warning that says how many and names the first ones. A
            broken frame or file ends in an error that names it when it is read.
    """

    def __init__(
        self,
        root: str,
        split: str | None = None,
        num_frames: int = 16,
        stride: int = 1,
        random_start: bool = False,
        num_windows: int = 1,
        start: int = 0,
        stop: int | None = None,
        pipeline: Sequence[dict | BaseTransform] = (),
    ) -> None:
        super().__init__(pipeline)
        counts = dict(num_frames=num_frames, stride=stride, num_windows=num_windows)
        for name, value in counts.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name} must be a whole number of at least 1, got {value}')
        self.num_frames, self.stride = num_frames, stride
        self.random_start, self.num_windows = random_start, num_windows
        where = f'{root}' if split is None else f'{root} (split {split!r})'
        found = _long_enough(where, _find(Path(root), split), self.span)
        self.clips = found[start:stop]
        if not self.clips:
            raise ValueError(
                f'{where}: start={start}, stop={stop} leave none of {len(found)} clips'
            )

    @property
    def span(self) -> int:
        """Frames of a clip from the first to the last one of a window."""
        return (self.num_frames - 1) * self.stride + 1

    @property
    def names(self) -> list[str]:
        """Names of the clips."""
        return [clip.name for clip in self.clips]

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.clips) * self.num_windows

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of a window.

        Raises:
            ValueError: A frame is broken or the file shorter than it says; the message names it.
        """
        clip, window = self.clips[index // self.num_windows], index % self.num_windows
        spare = len(clip) - self.span
        if spare < 0:
            raise ValueError(
                f'{clip.path} has {len(clip)} frames, its header says {clip.stated_length}; the '
                f'file is cut short, restore or remove it'
            )
        first = self._first(spare, window, rng)
        return dict(
            name=clip.name if self.num_windows == 1 else f'{clip.name}:{window}',
            frames=clip.load(range(first, first + self.span, self.stride)),
        )

    def _first(self, spare: int, window: int, rng: np.random.Generator) -> int:
        """First frame of a window, of ``spare + 1`` possible ones."""
        if self.random_start:
            return int(rng.integers(0, spare + 1))
        if self.num_windows == 1:
            return spare // 2
        return round(spare * window / (self.num_windows - 1))


def _find(root: Path, split: str | None) -> list[AbstractClip]:
    """Clips of a split, at least one."""
    if not root.is_dir():
        raise ValueError(
            f'{root} does not exist or is no folder; expected a folder of clips. Set root, or the '
            f'environment variable DDMI_DATA to where the data is'
        )
    folders = sorted(path.name for path in root.iterdir() if path.is_dir())
    if split is None and folders and set(folders) <= _SPLITS:
        raise ValueError(
            f'{root} is divided into {folders}; choose one by split=, or set root to the folder '
            f'that you want'
        )
    folder = root if split is None else root / split
    if not folder.is_dir():
        raise ValueError(
            f'{root} has no split {split!r}; it has the folders {folders[:20]}. Choose one, or set '
            f'split=None for all'
        )
    clips = find_clips(folder)
    if not clips:
        raise ValueError(
            f'{folder} holds no clips; expected folders of frames {FRAME_SUFFIXES} or video files '
            f'{VIDEO_SUFFIXES}, at any depth'
        )
    return clips


def _long_enough(where: str, clips: Sequence[AbstractClip], span: int) -> list[AbstractClip]:
    """Clips of at least ``span`` frames; says which others there are."""
    lengths = [clip.stated_length for clip in clips]
    short = [f'{c.name} ({n})' for c, n in zip(clips, lengths, strict=True) if n < span]
    listed = ', '.join(short[:5]) + (', ...' if len(short) > 5 else '')
    if len(short) == len(clips):
        raise ValueError(
            f'{where}: a window needs {span} frames, and none of {len(clips)} clips has so many: '
            f'{listed}; lower num_frames or stride'
        )
    if short:
        print_log(
            f'{where}: skipped {len(short)} of {len(clips)} clips, which have less than {span} '
            f'frames: {listed}',
            'current',
            _WARNING,
        )
    return [clip for clip, n in zip(clips, lengths, strict=True) if n >= span]
