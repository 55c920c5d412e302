"""ShapeNet chairs in the Occupancy-Networks format, with the published draws."""

data_root = '{{$DDMI_DATA:data}}/ShapeNet'
classes = ['03001627']
test_set = dict(
    type='ShapeNetOccupancy',
    root=data_root,
    classes=classes,
    split='test',
    surface_points=10_000,
    pipeline=[
        dict(type='SubsamplePoints', num_points=10_000),
        dict(type='SubsampleSurface', num_points=3000),
        dict(type='PackShape'),
    ],
)
train_dataloader = dict(
    batch_size=12,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ShapeNetOccupancy',
        root=data_root,
        classes=classes,
        split='train',
        pipeline=[
            dict(type='SubsamplePoints', num_points=2048),
            dict(type='SubsampleSurface', num_points=3000),
            dict(type='JitterSurface', std=0.005),
            dict(type='PackShape'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=12,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**test_set, 'split': 'val'},
)
test_dataloader = {**val_dataloader, 'dataset': test_set}
val_evaluator = [dict(type='OccupancyIoU')]
test_evaluator = [dict(type='OccupancyIoU'), dict(type='SurfaceMetrics')]
val_cfg = dict()
test_cfg = dict()
# Published: 1355 of 5000 generated shapes against 1355 references, 2048 points each, every cloud
# centered and scaled to the unit sphere by itself. Published meshes have 256 cells along an axis;
# 128 move the points by less than their spacing.
generation = dict(
    test_dataloader=dict(
        batch_size=16,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=1355),
    ),
    test_evaluator=[
        dict(
            type='PointCloudMetrics',
            reference={**test_set, 'surface_points': 2048},
            normalize='unit_sphere',
            distances=['cd'],  # EMD of all pairs would take ten core hours
        )
    ],
    test_cfg=dict(),
)
del test_set, classes
