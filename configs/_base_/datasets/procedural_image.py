"""Procedural pictures: 4096 for training at 32 to 64 px, held-out ones from seed 1,000,000."""

input_size = 32
held_out = dict(
    type='ProceduralImages',
    num_images=256,
    first_seed=1_000_000,
    size=64,
    pipeline=[dict(type='PackImage', input_size=input_size, image_size=64)],
)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ProceduralImages',
        num_images=4096,
        size=64,
        pipeline=[
            dict(type='Flip'),
            dict(type='MultiScaleCrop', input_size=input_size, magnification_range=(1, 2)),
        ],
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'num_images': 64},
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [
    dict(type='ImageQuality', names=['psnr', 'ssim'], size=size, prefix=f'image_{size}')
    for size in (32, 64)
]
test_evaluator += [dict(type='ScaleConsistency', sizes=(32, 128))]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with. Random features need no download: they compare runs of this set
# with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=16,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=256),
    ),
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference=held_out,
            size=size,
            extractor=dict(type='RandomExtractor'),
            prefix=f'generation_{size}',
        )
        for size in (32, 64)
    ],
    test_cfg=dict(),
)
del held_out, input_size
