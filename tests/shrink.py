"""Any leaf config, made so small that a training step takes a fraction of a second."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from ddmi_toolkit.apis import load_config

SIZES = dict(
    latent_channels=4,
    hidden_channels=16,
    point_channels=8,
    num_blocks=2,
    base_channels=8,
    z_channels=8,
    num_res_blocks=1,
    width=16,
    model_channels=32,
    num_head_channels=16,
    num_mix_heads=2,
    num_heads=2,
    channels=16,
    head_channels=8,
    depth=1,
    pool_depth=1,
    size=16,
    resolution=16,
)
NUM_FRAMES = 4
CHAIRS = dict(type='ProceduralChairs', num_shapes=4, num_points=64, num_inputs=64)
GRIDS = dict(type='ProceduralChairGrids', num_shapes=4, resolution=16)
PARTS = dict(
    CHAIRS,
    pipeline=[
        dict(type='CropSurface', num_points=16),
        dict(type='PackShape', cond='partial_points'),
    ],
)
CAPTIONED = dict(
    CHAIRS, pipeline=[dict(type='DrawCaption'), dict(type='PackShape', cond='caption')]
)
CLIPS = dict(type='ProceduralClips', num_clips=4, size=32, num_frames=NUM_FRAMES)
IMAGES = dict(type='ProceduralImages', num_images=4, size=32)
TOYS = dict(type='ProceduralViews', num_objects=4, num_views=2, size=16)
# What stands for the data of a config: for training and for evaluation.
DATA = {
    'xy': (
        dict(
            IMAGES,
            pipeline=[
                dict(type='Flip'),
                dict(
                    type='MultiScaleCrop',
                    input_size=16,
                    magnifications=[1, 2],
                    probabilities=[0.5, 0.5],
                ),
            ],
        ),
        dict(IMAGES, pipeline=[dict(type='PackImage', input_size=16, image_size=32)]),
    ),
    'xyz': (CHAIRS, dict(CHAIRS, surface_points=64)),
    'captions': (CAPTIONED, dict(CAPTIONED, surface_points=64)),
    'parts': (PARTS, dict(PARTS, surface_points=64)),
    'grids': (GRIDS, GRIDS),
    'rays': (
        dict(TOYS, pipeline=[dict(type='SampleRays', num_rays=16, num_views=2)]),
        dict(TOYS, pipeline=[dict(type='PackViews')]),
    ),
    'xyt': (
        dict(CLIPS, pipeline=[dict(type='FlipClip'), dict(type='CropClip', size=16)]),
        dict(CLIPS, pipeline=[dict(type='PackClip', size=16, clip_size=16)]),
    ),
}
# What stands for the arguments of a metric.
METRICS = {
    'PointCloudMetrics': dict(resolution=32, num_points=64),
    'SurfaceMetrics': dict(resolution=32),
    'ScaleConsistency': dict(sizes=(16, 32)),
    'GenerativeQuality': dict(
        size=16, extractor=dict(type='RandomExtractor', num_features=4), cache_dir=None
    ),
    'ViewQuality': dict(
        size=16, extractor=dict(type='RandomExtractor', num_features=4), cache_dir=None
    ),
    'ClipQuality': dict(
        size=(NUM_FRAMES, 16, 16),
        extractor=dict(type='RandomClipExtractor', num_features=4),
        cache_dir=None,
    ),
}


def shrink(name: str, work_dir: Any, **options: Any) -> Config:
    """A config that trains on four procedural chairs or pictures in batches of two.

    Every component keeps its type and every option that is not a size.

    Args:
        name: Config name.
        work_dir: Folder for both stages.
        **options: Further overrides, with ``__`` in place of dots.
    """
    cfg = load_config(name)
    small = {}
    if 'first_stage' in cfg:
        first = load_config(cfg.first_stage.config)
        changes = {**sizes(first.model, 'model.'), **runtime(f'{work_dir}/first')}
        small = {f'first_stage.{k}': v for k, v in {**changes, **data(first)}.items()}
    model = {k: v for k, v in cfg.model.items() if k != 'first_stage'}
    small |= {**sizes(model, 'model.'), **runtime(f'{work_dir}/run'), **data(cfg)}
    small |= {k.replace('__', '.'): v for k, v in options.items()}
    return load_config(name, small)


def sizes(value: Any, path: str) -> dict[str, Any]:
    """Overrides that make a model small, by dotted path."""
    found = {}
    for key, child in value.items():
        here = f'{path}{key}'
        if key == 'axes':
            found[here] = [_small_axis(axis) for axis in child]
        elif key == 'channel_mult':
            found[here] = [1] * (2 if 'model_channels' in value else len(child))
        elif key == 'attention_rates':
            found[here] = [2]
        elif key in ('num_samples', 'num_importance', 'grid_resolution') and child:
            found[here] = 4
        elif key == 'num_steps' and not value.get('type', '').endswith('Schedule'):
            found[here] = 2
        elif isinstance(child, Mapping):
            found |= sizes(child, f'{here}.')
        elif key in SIZES and child is not None:
            found[here] = SIZES[key]
        elif key == 'pretrained' and child is not None and 'model' in value:
            found |= {here: None, f'{path}model': tiny_clip()}
        elif key == 'pretrained' and child is not None:
            found |= {here: None, f'{path}backbone': 'test_resnet', f'{path}layers': [0, 1]}
        elif key == 'out_channels' and value.get('type') == 'BasisFieldDecoder':
            found[here] = 8
    return found


@cache
def tiny_clip() -> str:
    """Name of an open-clip model of a few thousand parameters beside its vocabulary."""
    import open_clip

    vision = dict(image_size=8, layers=1, width=8, patch_size=4, head_width=8)
    text = dict(context_length=77, vocab_size=49408, width=8, heads=1, layers=1)
    with TemporaryDirectory() as folder:
        content = dict(embed_dim=8, vision_cfg=vision, text_cfg=text)
        Path(folder, 'shrunk-clip.json').write_text(json.dumps(content))
        open_clip.add_model_config(folder)
    return 'shrunk-clip'


def _small_axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    return {**axis, 'size': NUM_FRAMES if axis['name'] == 't' else SIZES['size']}


def runtime(work_dir: str) -> dict[str, Any]:
    """Overrides of what surrounds the model: one step, no pictures, no validation."""
    return {
        'work_dir': work_dir,
        'train_cfg.max_iters': 1,
        'optim_wrapper.accumulative_counts': 1,
        'default_hooks.checkpoint.interval': 1,
        'visualizer.vis_backends': [],
        'visualizer.size': 16,
        'log_level': 'WARNING',
    }


def data(cfg: Config) -> dict[str, Any]:
    """Overrides of the data sets; stage 2 takes over stage 1's."""
    found = {
        'train_dataloader.batch_size': 2,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
    }
    training, evaluation = _data_of(cfg)
    found['train_dataloader.dataset'] = dict(training, _delete_=True)
    if 'first_stage' in cfg:
        return {**found, 'latent_cache.draws_per_item': 1, **dict(_evaluation(cfg))}
    for part in ('val', 'test'):
        found |= {
            f'{part}_dataloader.batch_size': 2,
            f'{part}_dataloader.num_workers': 0,
            f'{part}_dataloader.dataset': dict(evaluation, _delete_=True),
        }
    return found | dict(_evaluation(cfg))


def _data_of(cfg: Config) -> tuple[dict, dict]:
    model = cfg.model.get('first_stage', cfg.model)
    if 'layout' not in model:
        return DATA['grids']
    conditioner = (cfg.model.get('conditioner') or {}).get('type')
    if conditioner in ('TextConditioner', 'WordConditioner'):
        return DATA['captions']
    if conditioner == 'PointCloudConditioner':
        return DATA['parts']
    if model.renderer.type == 'VolumeRenderer':
        return DATA['rays']
    return DATA[''.join(axis['name'] for axis in model.layout.axes)]


def _evaluation(cfg: Config) -> Iterator[tuple[str, Any]]:
    metrics = []
    for metric in cfg.test_evaluator:
        small = {**metric, **METRICS.get(metric.type, {})}
        if metric.type == 'ImageQuality' and 'size' in metric:
            small['size'] = 16
        if 'reference' in small:
            small['reference'] = _data_of(cfg)[1]
        metrics.append(small)
    yield 'test_evaluator', metrics
    if 'first_stage' in cfg:
        yield 'test_dataloader.dataset.num_samples', 4
        if 'query' in cfg.test_dataloader.dataset:
            yield 'test_dataloader.dataset.query.dataset', dict(_data_of(cfg)[1], _delete_=True)
        if 'cond' in cfg.test_dataloader.dataset:
            yield 'test_dataloader.dataset.cond.dataset', dict(_data_of(cfg)[1], _delete_=True)
        yield 'test_dataloader.batch_size', 2
