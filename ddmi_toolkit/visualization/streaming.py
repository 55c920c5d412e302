"""Picture files written band by band, so that a picture need not fit into memory."""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import numpy as np

TILE = 256  # pixels along the sides of a TIFF tile
_CLASSIC_TIFF_BYTES = 2**32 - 2**24  # offsets are 32-bit; room for tags and incompressible data


def write_png(file: BinaryIO, bands: Iterable[np.ndarray], shape: tuple[int, int, int]) -> None:
    """Write an 8-bit PNG (W3C PNG specification, third edition), gray or RGB.

    Args:
        file: Open for writing.
        bands: Consecutive rows, each ``(rows, W, C)`` uint8.
        shape: ``(H, W, C)`` with C of 1 or 3.
    """
    height, width, channels = shape
    header = struct.pack('>IIBBBBB', width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    stream = zlib.compressobj()
    above, count = np.zeros((1, width * channels), np.uint8), 0
    file.write(b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', header))
    for band in bands:
        rows = band.reshape(len(band), -1)
        lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        lines[:, 0] = 2  # filter 'Up': the difference to the row above, modulo 256
        lines[:, 1:] = rows - np.concatenate([above, rows[:-1]])
        above, count = rows[-1:].copy(), count + len(rows)
        if data := stream.compress(lines):
            file.write(_chunk(b'IDAT', data))
    _check_rows(count, height)
    file.write(_chunk(b'IDAT', stream.flush()) + _chunk(b'IEND', b''))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def write_tiff(file: BinaryIO, bands: Iterable[np.ndarray], shape: tuple[int, int, int]) -> None:
    """Write an 8-bit TIFF of deflated tiles, gray or RGB; BigTIFF when it may exceed 4 GB.

    Args:
        file: Open for writing.
        bands: Consecutive rows, each ``(rows, W, C)`` uint8.
        shape: ``(H, W, C)`` with C of 1 or 3.
    """
    import tifffile

    height, width, channels = shape
    tiles = _tiles(bands, height)
    tifffile.imwrite(
        file,
        tiles,
        shape=shape if channels == 3 else shape[:2],
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric='rgb' if channels == 3 else 'minisblack',
        compression='zlib',
        predictor=True,
        bigtiff=height * width * channels > _CLASSIC_TIFF_BYTES,
        metadata=None,
        maxworkers=1,  # several would first collect hundreds of megabytes of tiles
    )
    next(tiles, None)  # tifffile stops at the last tile; this ends the bands and counts them


def _tiles(bands: Iterable[np.ndarray], height: int) -> Iterator[np.ndarray]:
    """Tiles in reading order; the last of a row or column may be smaller."""
    count = 0
    for strip in _strips(bands):
        count += len(strip)
        for x in range(0, strip.shape[1], TILE):
            tile = strip[:, x : x + TILE]
            yield tile if tile.shape[-1] == 3 else tile[..., 0]
    _check_rows(count, height)


def _strips(bands: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same rows in bands of one tile's height; the last may be lower."""
    held: list[np.ndarray] = []
    count = 0
    for band in bands:
        while len(band):
            part, band = band[: TILE - count], band[TILE - count :]
            held.append(part)
            count += len(part)
            if count == TILE:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)


def _check_rows(count: int, height: int) -> None:
    if count != height:
        raise ValueError(f'the bands of a picture of {height} rows have {count} rows')


STREAMS: dict[str, Callable[[BinaryIO, Iterable[np.ndarray], tuple[int, int, int]], None]] = {
    '.png': write_png,
    '.tif': write_tiff,
    '.tiff': write_tiff,
}
"""How a picture is streamed to a file, by suffix."""
