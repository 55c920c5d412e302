"""ShapeNet cars of Scene Representation Networks: 128 px, 50 views each, 251 of the held-out cars.

The set has no point clouds, which the encoder reads: they are carved of the silhouettes when an
object is first read (1 s), from all of its views, and kept (0.1 MB each) in work_dirs/clouds, or
below the folder that DDMI_CACHE names. Cars have a diameter of 1 in the files, 2 here.

The published code reads another copy of ShapeNet's cars, one npz each with a cloud, of which the
first 80 % are for training: type='PosedViews', root=.../cars/sampled, start and stop in place of
split, without points and scale.
"""

data_root = '{{$DDMI_DATA:data}}/srn_cars'
clouds = dict(type='carve', num_points=4096, cache_dir='{{$DDMI_CACHE:work_dirs}}/clouds')
held_out = dict(
    type='PosedViews',
    root=data_root,
    split='cars_test',
    scale=2.0,
    points=clouds,
    pipeline=[
        dict(type='SubsampleCloud', num_points=4096),
        dict(type='PackViews', num_views=10),
    ],
)
train_dataloader = dict(
    batch_size=1,  # published: one car, 5000 rays of one view
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosedViews',
        root=data_root,
        split='cars_train',
        scale=2.0,
        points=clouds,
        pipeline=[
            dict(type='SubsampleCloud', num_points=4096),
            dict(type='SampleRays', num_rays=5000, num_views=1),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={
        **held_out,
        'split': 'cars_val',
        'stop': 64,
        'pipeline': [
            dict(type='SubsampleCloud', num_points=4096),
            dict(type='PackViews', num_views=1),
        ],
    },
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality', is_per_frame=True, prefix='views')]
test_evaluator = [dict(type='ImageQuality', is_per_frame=True, prefix='views')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: the held-out cars, and as many generated ones through the same
# cameras.
references = {**held_out, 'points': None, 'pipeline': [dict(type='PackViews', num_views=10)]}
generation = dict(
    test_dataloader=dict(
        batch_size=1,
        num_workers=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='SeedDataset', num_samples=704, query=dict(type='dataset', dataset=references)
        ),
    ),
    test_evaluator=[dict(type='ViewQuality', reference=references, size=128)],
    test_cfg=dict(),
)
del clouds, held_out, references
