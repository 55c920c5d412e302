"""Procedural toys: 1024 for training, 16 views of 64 px each, held-out ones from seed 1,000,000."""

held_out = dict(
    type='ProceduralViews',
    num_objects=32,
    first_seed=1_000_000,
    num_views=4,
    pipeline=[dict(type='PackViews')],
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ProceduralViews',
        num_objects=1024,
        num_views=16,
        pipeline=[dict(type='SampleRays', num_rays=512, num_views=4, foreground_share=0.5)],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'num_objects': 16, 'num_views': 1},
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality', is_per_frame=True, prefix='views')]
test_evaluator = [
    dict(type='ImageQuality', is_per_frame=True, prefix='views'),
    dict(type='DepthError'),
]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: held-out objects and generated ones through the same cameras.
# Random features need no download: they compare runs of this set with each other and with nothing
# else.
references = {**held_out, 'num_objects': 64}
generation = dict(
    test_dataloader=dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='SeedDataset', num_samples=64, query=dict(type='dataset', dataset=references)
        ),
    ),
    test_evaluator=[
        dict(
            type='ViewQuality',
            reference=references,
            size=64,
            extractor=dict(type='RandomExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, references
