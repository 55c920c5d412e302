"""Numbers that carry how they were measured."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__

Protocol = dict[str, Any]

COSTS = {
    'parameters': 'parameters',
    'training_seconds': 'training',
    'item_seconds': 'per item',
}
"""What a result may say of costs, and how a table calls it: trainable parameters of all stages
without discriminators; time of all trainings without their validations; time of one item of the
test (to sample or reconstruct it, to evaluate its field and to look at it)."""


class ProtocolError(ValueError):
    """Numbers that were measured in different ways were about to be compared."""


@dataclass(frozen=True)
class Result:
    """What one evaluation of one checkpoint gave.

    Args:
        metrics: Values by ``'<metric>/<name>'``.
        protocol: How each metric was measured, by ``'<metric>'``: sample count, resolution,
            distance, number of points, seeds, normalization, digest of the references... Two
            numbers are comparable if and only if these are equal.
        config: Name of the system's config.
        config_hash: Hash of the complete config.
        checkpoint: File name of the weights.
        checkpoint_hash: Hash of the weights.
        version: Version of this package.
        costs: What they cost, where it is known, see :data:`COSTS`. Unlike metrics they depend on
            the machine, and need no protocol to stand side by side.

    Raises:
        ValueError: A metric has no protocol, or a cost is unknown.
    """

    metrics: Mapping[str, float]
    protocol: Mapping[str, Protocol]
    config: str = ''
    config_hash: str = ''
    checkpoint: str = ''
    checkpoint_hash: str = ''
    version: str = field(default=__version__)
    costs: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.costs) - set(COSTS)):
            raise ValueError(f'unknown costs {unknown}; expected some of {", ".join(COSTS)}')
        if missing := sorted({owner_of(name) for name in self.metrics} - set(self.protocol)):
            raise ValueError(
                f'no protocol for {missing}; a metric gives it by `protocol()`, as '
                f'{{prefix: fields}}'
            )
        # What a file can hold, so that a result equals itself after it was written and read.
        object.__setattr__(self, 'metrics', {k: float(v) for k, v in self.metrics.items()})
        object.__setattr__(self, 'protocol', json.loads(json.dumps(self.protocol)))
        object.__setattr__(self, 'costs', {k: float(v) for k, v in self.costs.items()})

    def save(self, path: str | Path) -> Path:
        """Write a json file, whole or not at all; returns its path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f'{path.name}.{os.getpid()}.part')
        part.write_text(json.dumps(asdict(self), indent=2) + '\n', encoding='utf-8')
        part.replace(path)
        return path

    @classmethod
    def load(cls, path: str | Path) -> 'Result':
        """Read a file of :meth:`save`.

        Raises:
            ValueError: The file is no result; the message names it.
            OSError: It cannot be read.
        """
        try:
            content = json.loads(Path(path).read_text(encoding='utf-8'))
            _check_mappings(content)
            return cls(**content)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f'{path} is not a result of tools/test.py ({error}); expected a json object with '
                f'metrics and protocol'
            ) from error


def join(results: Sequence[Result]) -> Result:
    """One system's results on different metrics as one, such as those of its two stages.

    What they say of themselves other than metrics and protocols, such as costs, is that of the
    last one: costs of a stage include those of the stages before it.

    Raises:
        ValueError: Two of them have the same metric.
    """
    metrics: dict[str, float] = {}
    protocol: dict[str, Protocol] = {}
    for result in results:
        if twice := sorted(set(protocol) & set(result.protocol)):
            raise ValueError(
                f'results that are joined both have {", ".join(map(repr, twice))}; give results '
                f'of different metrics, or seeds of one system as files of one name'
            )
        metrics |= result.metrics
        protocol |= result.protocol
    return replace(results[-1], metrics=metrics, protocol=protocol)


def compare(results: Mapping[str, Result]) -> dict[str, dict[str, float]]:
    """Values of several systems side by side, ``{metric: {system: value}}``.

    A metric that only some of the systems have is left blank for the others.

    Raises:
        ProtocolError: A metric was not measured in the same way; the message names the fields.
    """
    owners = sorted({o for r in results.values() for o in r.protocol})
    for owner in owners:
        having = {name: r.protocol[owner] for name, r in results.items() if owner in r.protocol}
        _check_equal(owner, having)
    names = list(dict.fromkeys(m for r in results.values() for m in r.metrics))
    return {m: {s: r.metrics[m] for s, r in results.items() if m in r.metrics} for m in names}


def digest(*parts: np.ndarray | str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of arrays and texts: what data was used."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            sha.update(f'{len(part)}:{part}'.encode())
        else:
            sha.update(f'{part.dtype}{part.shape}'.encode() + np.ascontiguousarray(part).tobytes())
    return sha.hexdigest()[:16]


def _check_mappings(content: Any) -> None:
    if not isinstance(content, dict):
        raise TypeError(f'it holds a {type(content).__name__}')
    parts = {key: content.get(key, {}) for key in ('metrics', 'protocol', 'costs')}
    if isinstance(parts['protocol'], dict):
        parts |= {f'protocol of {owner!r}': p for owner, p in parts['protocol'].items()}
    for name, value in parts.items():
        if not isinstance(value, dict):
            raise TypeError(f'{name} is {value!r}')


def _check_equal(owner: str, protocols: Mapping[str, Protocol]) -> None:
    first, *others = protocols
    for other in others:
        a, b = protocols[first], protocols[other]
        differing = [k for k in sorted({*a, *b}) if a.get(k) != b.get(k)]
        if differing:
            detail = '; '.join(f'{k}: {a.get(k)!r} and {b.get(k)!r}' for k in differing)
            raise ProtocolError(
                f'{owner!r} of {first!r} and {other!r} cannot be compared, they differ in '
                f'{detail}. Evaluate one of them again with the protocol of the other'
            )


def owner_of(metric: str) -> str:
    """Under which a metric's protocol stands: its name without the last part."""
    return metric.rsplit('/', 1)[0]


def seed_range(seeds: Sequence[int]) -> str:
    """Short name of a set of seeds: ``'0-63'`` if contiguous, else a digest."""
    ordered = sorted(set(seeds))
    if ordered and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f'{ordered[0]}-{ordered[-1]}'
    return digest(','.join(map(str, ordered)))


def sample_seed(data_batch: Mapping[str, Any] | None, sample: Mapping[str, Any], index: int) -> int:
    """Seed of a batch's sample, else the sample's own, else 0."""
    seeds = (data_batch or {}).get('seed')
    return int(sample.get('seed', 0) if seeds is None else seeds[index])


def sample_names(data_batch: Mapping[str, Any] | None, count: int) -> list[str]:
    """Names of a batch's items, empty if the data set gives none."""
    return list(((data_batch or {}).get('meta') or {}).get('name') or [''] * count)
