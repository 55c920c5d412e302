"""Procedural chairs with captions: 4096 for training, held-out ones from seed 1,000,000.

One of sixteen captions of a chair is drawn per visit; each says some of its attributes.
"""

pipeline = [
    dict(type='JitterSurface'),
    dict(type='DrawCaption'),
    dict(type='PackShape', cond='caption'),
]
held_out = dict(
    type='ProceduralChairs',
    num_shapes=256,
    first_seed=1_000_000,
    num_points=10_000,
    surface_points=10_000,
    pipeline=pipeline,
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ProceduralChairs', num_shapes=4096, near_share=0.3, pipeline=pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'num_shapes': 64, 'surface_points': 0},
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='OccupancyIoU')]
test_evaluator = [dict(type='OccupancyIoU'), dict(type='SurfaceMetrics', resolution=64)]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: one chair for each held-out caption.
generation = dict(
    test_dataloader=dict(
        batch_size=16,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='SeedDataset',
            num_samples=256,
            cond=dict(
                type='dataset',
                dataset={**held_out, 'num_points': 1, 'surface_points': 0},
            ),
        ),
    ),
    test_evaluator=[
        dict(
            type='AttributeAccuracy',
            classifier='{{ fileDirname }}/../../classifiers/procedural_chair.py',
        ),
        dict(
            type='PointCloudMetrics',
            reference={**held_out, 'surface_points': 2048},
            resolution=64,
            threshold=0.5,
            distances=['cd'],
        ),
    ],
    test_cfg=dict(),
)
del held_out, pipeline
