"""What guidance does to a conditional model: pictures and metrics by scale.

    python benchmarks/guidance_scales.py configs/ddmi/procedural_text2chair.py --out OUT \\
        --scales 0 1 3 --prompts "a chair with two arms and four legs" "a stool with three legs"

Writes ``guidance.png``: a row per prompt, the same seeds under each scale side by side, and
``guidance.json``: the metrics of the config's test under each scale, all or those named. They run
on the config's own held-out conditions.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from ddmi_toolkit.apis import FieldInferencer, evaluate, load_config, readable_errors
from ddmi_toolkit.visualization import FieldVisualizer, image_grid, save_image

PROMPTS = (
    'a chair with two arms and four legs',
    'a stool with three legs',
    'an office chair with a star base and no arms',
    'a rocking chair with a ladder back',
    'a bench with a solid back',
)


def draw(
    inferencer: FieldInferencer, prompts: list[str], seeds: list[int], scales: list[float]
) -> np.ndarray:
    """A row per prompt; per scale, a block of the seeds."""
    visualizer = FieldVisualizer('guidance', size=160)
    conds = [inferencer.condition(prompt) for prompt in prompts]
    drawn: dict[tuple[int, float], list[np.ndarray]] = {}
    for scale in scales:
        fields = inferencer.sample(
            seeds * len(conds), [c for c in conds for _ in seeds], guidance_scale=scale
        )
        pictures = [visualizer.draw_field(field) for field in fields]
        for row in range(len(conds)):
            drawn[row, scale] = pictures[row * len(seeds) : (row + 1) * len(seeds)]
    rows = [
        image_grid([p for s in scales for p in drawn[row, s]], columns=len(scales) * len(seeds))
        for row in range(len(conds))
    ]
    return image_grid(rows, columns=1)


def main() -> None:
    """Draw, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--scales', type=float, nargs='+', default=[0.0, 1.0, 3.0])
    parser.add_argument('--prompts', nargs='+', default=list(PROMPTS))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2, 3])
    parser.add_argument('--samples', type=int, help='of the metrics; default: the config says')
    parser.add_argument('--metrics', nargs='+', help='of the test, by type; default: all')
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args()
    inferencer = FieldInferencer(args.config, args.checkpoint)
    args.out.mkdir(parents=True, exist_ok=True)
    save_image(draw(inferencer, args.prompts, args.seeds, args.scales), args.out / 'guidance.png')
    options: dict[str, Any] = {}
    if args.samples is not None:
        options['test_dataloader.dataset.num_samples'] = args.samples
    results = {}
    for scale in args.scales:
        guidance = dict(type='Guidance', scale=scale)
        cfg = load_config(args.config, {**options, 'model.guidance': guidance})
        if args.metrics:
            cfg.test_evaluator = [m for m in cfg.test_evaluator if m.type in args.metrics]
        result = evaluate(cfg, args.checkpoint)
        results[f'{scale:g}'] = dict(metrics=dict(result.metrics), protocol=dict(result.protocol))
        (args.out / 'guidance.json').write_text(json.dumps(results, indent=1, default=str))


if __name__ == '__main__':
    with readable_errors():
        main()
