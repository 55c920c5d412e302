"""15 Kenney cars, 50 views of 100 px each: 12 for training without every tenth of their views.

The main test is the held-out views of the 12 cars. That of the 3 held-out cars, too few to tell
much, is --cfg-options test_dataloader.dataset.start=12 test_dataloader.dataset.stop=15.
"""

data_root = '{{$DDMI_DATA:data}}/nerf_kenney/cars/sampled'
held_out = dict(
    type='PosedViews',
    root=data_root,
    stop=12,
    views='::10',
    pipeline=[dict(type='SubsampleCloud', num_points=2048), dict(type='PackViews')],
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosedViews',
        root=data_root,
        stop=12,
        views='not ::10',
        pipeline=[
            dict(type='SubsampleCloud', num_points=2048),
            dict(type='SampleRays', num_rays=512, num_views=4, foreground_share=0.5),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={
        **held_out,
        'pipeline': [
            dict(type='SubsampleCloud', num_points=2048),
            dict(type='PackViews', num_views=1),
        ],
    },
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality', is_per_frame=True, prefix='views')]
test_evaluator = [dict(type='ImageQuality', is_per_frame=True, prefix='views')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: the training cars, each seen by 20 of their training cameras,
# through which generated ones are looked at too. Random features need no download: they compare
# runs of this set with each other and with nothing else.
references = {
    **held_out,
    'views': 'not ::10',
    'pipeline': [dict(type='PackViews', num_views=20, size=50)],
}
generation = dict(
    test_dataloader=dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='SeedDataset', num_samples=12, query=dict(type='dataset', dataset=references)
        ),
    ),
    test_evaluator=[
        dict(
            type='ViewQuality',
            reference=references,
            size=50,
            extractor=dict(type='RandomExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, references
