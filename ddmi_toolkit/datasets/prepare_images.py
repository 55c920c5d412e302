"""Any set of pictures into one zip of equal ones, with a report that two people can compare."""

import hashlib
import io
import json
import multiprocessing
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL
from PIL import Image
from tqdm import tqdm

from .image_files import IMAGE_SUFFIXES, as_filter, decode_image
from .image_report import Prepared, Tally
from .image_sources import AbstractImageSource, find_pictures

_EPOCH = (1980, 1, 1, 0, 0, 0)  # zips of the same pictures are the same bytes
_SUFFIXES = dict(png='.png', jpeg='.jpg')


@dataclass(frozen=True)
class ImageOptions:
    """What is made of every picture.

    Args:
        size: Length of the short side in pixels; 0 keeps the size.
        crop: ``'center'`` for the largest centered square, ``'none'`` for the whole picture.
        filter: Of ``'box'``, ``'bilinear'``, ``'bicubic'`` and ``'lanczos'``; all of them average
            over the pixels that they merge.
        format: ``'png'`` or ``'jpeg'`` (without subsampled colors).
        quality: Of a JPEG.
        enlarge: Also take pictures that are smaller than ``size``.
        drop_duplicates: Keep only the first, by name, of pictures with equal pixels.
    """

    size: int = 256
    crop: str = 'center'
    filter: str = 'lanczos'
    format: str = 'png'
    quality: int = 95
    enlarge: bool = False
    drop_duplicates: bool = False

    def __post_init__(self) -> None:
        as_filter(self.filter)
        if self.size < 0:
            raise ValueError(f'size must be positive, or 0 to keep the size, got {self.size}')
        if self.crop not in ('center', 'none'):
            raise ValueError(f"crop must be 'center' or 'none', got {self.crop!r}")
        if self.format not in _SUFFIXES:
            raise ValueError(f'format must be one of {list(_SUFFIXES)}, got {self.format!r}')
        if not 1 <= self.quality <= 100:
            raise ValueError(f'quality must lie between 1 and 100, got {self.quality}')


def prepare_images(
    root: str | Path,
    out: str | Path,
    options: ImageOptions,
    split: str | None = None,
    num_workers: int = 1,
) -> dict[str, Any]:
    """Write all pictures of a source to a stored zip, and a report beside it.

    Names keep their folders, so classes and splits stay. The zip is written under a temporary
    name and renamed when complete: what exists is whole. The same source and options give the
    same bytes, whatever the number of workers.

    Args:
        root: Folder, zip, lmdb or archive, see ``image_sources``.
        out: The zip; the report gets its name with the suffix ``.json``.
        options: What is made of every picture.
        split: Part of the source, see ``image_sources.find_pictures``.
        num_workers: Processes.

    Returns:
        The report: ``count``, ``classes``, ``sizes``, ``source_sizes``, ``mean`` and ``std`` of the
        channels in [0, 1], ``pixels_sha256`` (of the set of pictures, whatever their names and
        order), ``duplicates``, ``too_small`` and ``broken`` with names, and ``options``.

    Raises:
        ValueError: The source is missing or empty, the output exists, or no picture is left.
    """
    out = Path(out)
    if out.suffix.lower() != '.zip':
        raise ValueError(f'{out} must end in .zip; it becomes a zip of pictures')
    for path in (out, out.with_suffix('.json')):
        if path.exists():
            raise ValueError(f'{path} exists; delete it or choose another name')
    source, prefix, names = find_pictures(Path(root), split)
    tally, written = Tally(), _output_names(names, _SUFFIXES[options.format])
    with _atomic_zip(out) as archive:
        for item in _prepare_all(source, prefix, names, options, num_workers):
            if tally.add(item, options.drop_duplicates):
                entry = zipfile.ZipInfo(written[item.name], _EPOCH)
                archive.writestr(entry, item.data, zipfile.ZIP_STORED)
        if not tally.done:
            raise ValueError(f'{root}: no picture is left; {tally.explain_nothing()}')
        report = dict(
            source=str(root),
            split=split,
            options=asdict(options),
            pillow=PIL.__version__,
            **tally.report(),
        )
        text = json.dumps(report, indent=1)
        out.with_suffix('.json').write_text(text + '\n', 'utf-8')
    return report


def prepare_picture(image: Image.Image, options: ImageOptions) -> Image.Image | None:
    """The cropped and resized picture, or None where it would have to be enlarged."""
    side = min(image.size)
    if options.size > side and not options.enlarge:
        return None
    width, height = (side, side) if options.crop == 'center' else image.size
    left, top = (image.width - width) // 2, (image.height - height) // 2
    image = image.crop((left, top, left + width, top + height))
    if not options.size:
        return image
    target = (round(width * options.size / side), round(height * options.size / side))
    return image.resize(target, as_filter(options.filter))


def _prepare_all(
    source: AbstractImageSource,
    prefix: str,
    names: Sequence[str],
    options: ImageOptions,
    num_workers: int,
) -> Iterator[Prepared]:
    """All pictures in the order of their names."""
    work = partial(_prepare_one, source=source, prefix=prefix, options=options)
    with tqdm(total=len(names), unit='picture') as bar:
        if num_workers <= 1:
            for name in names:
                yield work(name)
                bar.update()
            return
        # Workers are spawned: what libraries hold open does not survive a fork.
        context = multiprocessing.get_context('spawn')
        with context.Pool(num_workers, _set_work, (work,)) as pool:
            for item in pool.imap(_do_work, names, chunksize=8):
                yield item
                bar.update()


_WORK: list[partial] = []  # of a worker process: the source is sent once, not with each name


def _set_work(work: partial) -> None:
    _WORK[:] = [work]


def _do_work(name: str) -> Prepared:
    return _WORK[0](name)


def _prepare_one(
    name: str, source: AbstractImageSource, prefix: str, options: ImageOptions
) -> Prepared:
    try:
        image = source.load(prefix + name)
    except ValueError as error:
        return Prepared(name, error=str(error))
    source_size = f'{image.width}x{image.height}'
    image = prepare_picture(image, options)
    if image is None:
        return Prepared(name, source_size)
    buffer = io.BytesIO()
    if options.format == 'jpeg':
        image.save(buffer, 'jpeg', quality=options.quality, subsampling=0)
        image = decode_image(buffer.getvalue(), name)  # the pixels that readers will see
    else:
        image.save(buffer, 'png', compress_level=6)
    pixels = np.asarray(image)
    flat = pixels.reshape(-1, 3).astype(np.int64)
    size = f'{image.width}x{image.height}'
    return Prepared(
        name,
        source_size,
        buffer.getvalue(),
        size,
        digest=hashlib.sha256(size.encode() + pixels.tobytes()).hexdigest(),
        num_pixels=len(flat),
        sums=tuple(flat.sum(0).tolist()),
        squares=tuple((flat**2).sum(0).tolist()),
    )


def _output_names(names: Sequence[str], suffix: str) -> dict[str, str]:
    """Names in the zip; pictures that differ by their suffix alone keep it."""
    stems = {n: _stem(n) for n in names}
    counts = Counter(stems.values())
    return {n: f'{stem if counts[stem] == 1 else n}{suffix}' for n, stem in stems.items()}


def _stem(name: str) -> str:
    is_suffix = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
    return name.rpartition('.')[0] if is_suffix else name


@contextmanager
def _atomic_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip that gets its name when all is written, and leaves nothing behind otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.part')
    try:
        with zipfile.ZipFile(part, 'w') as archive:
            yield archive
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
