"""Halves of held-out procedural chairs, completed several times.

    python benchmarks/completion.py configs/ddmi/procedural_chair_completion.py --out OUT
    python benchmarks/completion.py configs/ddmi/procedural_chair.py --out OUT --num-chairs 4

A plane of any direction halves the surface of a chair; one half is observed by a few points. A
config whose conditioner takes partial clouds is asked for completions by them; of an unconditional
one, samples are drawn that agree with them (``posterior``; their normals are observed, too).

Mean distances in data units (the longest side of a chair is 1), on samples of the surfaces:
``observed`` and ``hidden``, from the points of that half of the chair to a completion; and
``observed_between``, ``hidden_between``, from the points of one completion on that side of the
plane to another completion: small where the answer is known, large where there are several. Beside
them what stage 1 makes of points of the whole chair (``reconstructed``), and samples of the same
seeds that know nothing (``unconditional``).
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from ddmi_toolkit.apis import (
    FieldInferencer,
    config_hash,
    load_config,
    observe_cloud,
    readable_errors,
)
from ddmi_toolkit.apis.evaluating import file_hash
from ddmi_toolkit.apis.loading import find_or_name
from ddmi_toolkit.evaluation.meshing import sample_field_surface
from ddmi_toolkit.geometry.isosurface import extract_mesh
from ddmi_toolkit.geometry.raycast import cloud_mesh, contact_sheet
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Field
from ddmi_toolkit.visualization import save_image

HELD_OUT, NUM_SURFACE, RESOLUTION = 1_000_000, 4096, 64


@dataclass(frozen=True)
class Half:
    """A chair, cut in two.

    Args:
        whole: Points ``(P, 3)`` that stage 1 reads.
        surface: Points ``(M, 3)`` of the whole surface.
        direction: Normal ``(3,)`` of the plane.
        height: What of the surface is observed lies at most so far along it.
        observed: Points ``(K, 3)`` of the observed half that completions are given.
        normals: Theirs ``(K, 3)``.
    """

    whole: torch.Tensor
    surface: np.ndarray
    direction: np.ndarray
    height: float
    observed: np.ndarray
    normals: np.ndarray

    def is_observed(self, points: np.ndarray) -> np.ndarray:
        """Which points ``(P, 3)`` are on the observed side, ``(P,)`` bool."""
        return points @ self.direction <= self.height


def cut(num_chairs: int, num_observed: int) -> Iterator[Half]:
    """Held-out chairs, each halved by a plane of its own."""
    chairs = DATASETS.build(
        dict(
            type='ProceduralChairs',
            num_shapes=num_chairs,
            first_seed=HELD_OUT,
            num_points=1,
            surface_points=NUM_SURFACE,
        )
    )
    for i in range(num_chairs):
        item, rng = chairs[i], np.random.default_rng(i)
        surface, normals = (
            np.asarray(item['meta'][k]) for k in ('surface_points', 'surface_normals')
        )
        direction = rng.standard_normal(3)
        along = surface @ direction
        height = float(np.median(along))
        chosen = rng.choice(np.flatnonzero(along <= height), num_observed, replace=False)
        yield Half(item['inputs'], surface, direction, height, surface[chosen], normals[chosen])


def complete(
    inferencer: FieldInferencer, half: Half, seeds: Sequence[int], num_steps: int
) -> list[Field]:
    """Completions of a half, by the conditioner or, without one, by the posterior."""
    points = torch.from_numpy(half.observed)
    if getattr(inferencer.model, 'conditioner', None) is not None:
        return list(inferencer.sample(seeds, points.expand(len(seeds), -1, -1)))
    known = observe_cloud(inferencer.layout, points, torch.from_numpy(half.normals))
    return list(inferencer.posterior(known, seeds, num_steps=num_steps))


def measure(half: Half, surfaces: Sequence[np.ndarray]) -> dict[str, float]:
    """Distances of completions, given as points of their surfaces, on both sides of the plane."""
    trees = [cKDTree(surface) for surface in surfaces]
    values = {}
    for name, is_observed in (('observed', True), ('hidden', False)):
        truth, *parts = (
            points[half.is_observed(points) == is_observed] for points in (half.surface, *surfaces)
        )
        errors = [tree.query(truth)[0].mean() for tree in trees]
        pairs = itertools.permutations(zip(parts, trees, strict=True), 2)
        apart = [tree.query(part)[0].mean() for (part, _), (_, tree) in pairs if len(part)]
        found = {name: errors, f'{name}_between': apart}
        values |= {key: float(np.mean(v)) for key, v in found.items() if v}
    return values


def surfaces_of(fields: Sequence[Field]) -> list[np.ndarray]:
    """Points of the fields that have a surface."""
    clouds = [
        sample_field_surface(f, NUM_SURFACE, resolution=RESOLUTION, threshold=0.5, seed=i)[0]
        for i, f in enumerate(fields)
    ]
    return [cloud for cloud in clouds if len(cloud)]


def picture(halves: Sequence[Half], fields: Sequence[Sequence[Field]]) -> np.ndarray:
    """A row per chair: its points, the observed ones large; its completions; its surface."""
    meshes = []
    for half, row in zip(halves, fields, strict=True):
        cloud = np.concatenate([half.observed, half.surface])
        radii = np.repeat([0.013, 0.002], [len(half.observed), len(half.surface)])
        meshes += [cloud_mesh(cloud, radii), *(extract_mesh(f, RESOLUTION) for f in row)]
        meshes.append(cloud_mesh(half.surface, 0.009))
    return contact_sheet(meshes, columns=len(meshes) // len(halves), size=160)


def run(inferencer: FieldInferencer, args: argparse.Namespace) -> tuple[dict, np.ndarray]:
    """All values, as means over chairs, and the picture."""
    seeds = list(range(args.num))
    halves = list(cut(args.num_chairs, args.num_points))
    unconditional = surfaces_of(list(inferencer.sample(seeds)))
    rows: dict[str, list[dict[str, float]]] = {}
    drawn, empty = [], 0
    for i, half in enumerate(halves):
        fields = complete(inferencer, half, seeds, args.num_steps)
        drawn.append(fields)
        surfaces = surfaces_of(fields)
        empty += len(fields) - len(surfaces)
        whole = surfaces_of(list(inferencer.reconstruct([half.whole])))
        for name, clouds in dict(
            reconstructed=whole, completed=surfaces, unconditional=unconditional
        ).items():
            rows.setdefault(name, []).append(measure(half, clouds))
        print(i, {k: round(v, 4) for k, v in rows['completed'][-1].items()}, flush=True)  # noqa: T201
    means = {name: _means(found) for name, found in rows.items()}
    image = picture(halves[: args.num_drawn], drawn[: args.num_drawn])
    return dict(empty_completions=empty, rows=means), image


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: float(np.mean([row[key] for row in rows if key in row])) for key in keys}


def main() -> None:
    """Complete, measure, draw, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--num-chairs', type=int, default=16)
    parser.add_argument('--num', type=int, default=5, help='completions of each')
    parser.add_argument('--num-points', type=int, default=256, help='observed of a half')
    parser.add_argument('--num-steps', type=int, default=25, help='of the posterior')
    parser.add_argument('--num-drawn', type=int, default=4, help='chairs in the picture')
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args()
    cfg = load_config(args.config)
    checkpoint = find_or_name(cfg, args.checkpoint)
    values, image = run(FieldInferencer(cfg, checkpoint), args)
    args.out.mkdir(parents=True, exist_ok=True)
    name = f'completion_{Path(args.config).stem}'
    save_image(image, args.out / f'{name}.png')
    facts = dict(
        config=args.config,
        config_hash=config_hash(cfg),
        checkpoint=checkpoint.name,
        checkpoint_hash=file_hash(checkpoint),
        torch=torch.__version__,
        arguments={k: v for k, v in vars(args).items() if isinstance(v, int)},
        **values,
    )
    (args.out / f'{name}.json').write_text(json.dumps(facts, indent=1))


if __name__ == '__main__':
    with readable_errors():
        main()
