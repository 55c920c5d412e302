"""What became of the pictures of a set: counts, moments, checksums, what was left out."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_MOST_SIZES = 20


@dataclass(frozen=True)
class Prepared:
    """What became of one picture.

    Args:
        name: Of the picture in its source.
        source_size: ``'<width>x<height>'`` of it.
        data: The file that was made; empty where it was left out.
        size: ``'<width>x<height>'`` of that.
        digest: SHA-256 of its size and pixels.
        num_pixels: Of it.
        sums: Of each channel's bytes.
        squares: Sums of their squares.
        error: Why it is broken, or ``''``.
    """

    name: str
    source_size: str = ''
    data: bytes = b''
    size: str = ''
    digest: str = ''
    num_pixels: int = 0
    sums: tuple[int, ...] = (0, 0, 0)  # integers: their order does not matter
    squares: tuple[int, ...] = (0, 0, 0)
    error: str = ''


@dataclass
class Tally:
    """What is known of the pictures so far.

    Args:
        done: Those that were taken.
        small: Size by name of those that would have to be enlarged.
        broken: Reason by name.
        by_digest: Names of those with the same pixels.
    """

    done: list[Prepared] = field(default_factory=list)
    small: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    by_digest: dict[str, list[str]] = field(default_factory=dict)

    def add(self, item: Prepared, drop_duplicates: bool) -> bool:
        """Whether the picture is to be written."""
        if item.error:
            self.broken[item.name] = item.error
        elif not item.data:
            self.small[item.name] = item.source_size
        else:
            same = self.by_digest.setdefault(item.digest, [])
            same.append(item.name)
            if len(same) == 1 or not drop_duplicates:
                self.done.append(replace(item, data=b''))
                return True
        return False

    def report(self) -> dict[str, Any]:
        """Counts, moments and checksums, as ``prepare_images.prepare_images`` describes them."""
        done = self.done
        means, stds = _moments(done)
        digests = '\n'.join(sorted(item.digest for item in done))
        folders = (item.name.split('/')[0] for item in done if '/' in item.name)
        return dict(
            count=len(done),
            classes=dict(sorted(Counter(folders).items())),
            sizes=_count_sizes([item.size for item in done]),
            source_sizes=_count_sizes([item.source_size for item in done]),
            mean=means,
            std=stds,
            pixels_sha256=hashlib.sha256(digests.encode()).hexdigest(),
            duplicates=[names for names in self.by_digest.values() if len(names) > 1],
            too_small=self.small,
            broken=self.broken,
        )

    def explain_nothing(self) -> str:
        """Why no picture was taken."""
        reasons = []
        if self.broken:
            name, reason = next(iter(self.broken.items()))
            reasons.append(f'{len(self.broken)} are broken, such as {name} ({reason})')
        if self.small:
            name, size = next(iter(self.small.items()))
            reasons.append(
                f'{len(self.small)} are too small, such as {name} ({size}): choose a smaller '
                f'size, or enlarge them'
            )
        return ' and '.join(reasons)


def _moments(done: Sequence[Prepared]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the channels over all pixels, in [0, 1]."""
    total = sum(item.num_pixels for item in done)
    means = [sum(item.sums[c] for item in done) / total for c in range(3)]
    squares = [sum(item.squares[c] for item in done) / total for c in range(3)]
    stds = [max(s - m * m, 0) ** 0.5 for s, m in zip(squares, means, strict=True)]
    return [round(m / 255, 6) for m in means], [round(s / 255, 6) for s in stds]


def _count_sizes(sizes: Sequence[str]) -> dict[str, int]:
    """How often each size occurs, the most frequent first."""
    common = Counter(sizes).most_common(_MOST_SIZES)
    rest = len(sizes) - sum(count for _, count in common)
    return dict(common) | ({'others': rest} if rest else {})
