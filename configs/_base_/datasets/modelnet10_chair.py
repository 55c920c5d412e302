"""ModelNet10 chairs from 32^3 voxels, prepared by tools/prepare_shapes.py (see docs/data.md)."""

data_root = '{{$DDMI_DATA:data}}/modelnet10_chair'
test_set = dict(
    type='ShapeNetOccupancy',
    root=data_root,
    split='test',
    surface_points=10_000,
    pipeline=[
        dict(type='SubsamplePoints', num_points=10_000, replace=False),
        dict(type='SubsampleSurface', num_points=1024),
        dict(type='PackShape'),
    ],
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ShapeNetOccupancy',
        root=data_root,
        split='train',
        near_surface=True,
        in_memory=True,
        pipeline=[
            dict(type='SubsamplePoints', num_points=2048, near_share=0.25),
            dict(type='SubsampleSurface', num_points=1024),
            dict(type='JitterSurface', std=0.005),
            dict(type='PackShape'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**test_set, 'split': 'val'},
)
test_dataloader = {**val_dataloader, 'dataset': test_set}
val_evaluator = [dict(type='OccupancyIoU')]
test_evaluator = [dict(type='OccupancyIoU'), dict(type='SurfaceMetrics', resolution=64)]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with.
generation = dict(
    test_dataloader=dict(
        batch_size=10,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=50),
    ),
    test_evaluator=[
        dict(
            type='PointCloudMetrics',
            reference={**test_set, 'surface_points': 2048},
            resolution=64,
            threshold=0.5,
        )
    ],
    test_cfg=dict(),
)
del test_set
