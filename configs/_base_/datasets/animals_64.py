"""240 animal photographs (one per ImageNet class, 256 px): the last 24 are held out.

Too few and too different to generate from: for reconstruction, and to try the whole path.
"""

data_root = '{{$DDMI_DATA:data}}/imagenet_animals256/train'
input_size = 64
held_out = dict(
    type='ImageDataset',
    root=data_root,
    start=216,
    pipeline=[dict(type='PackImage', input_size=input_size, image_size=256)],
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageDataset',
        root=data_root,
        stop=216,
        pipeline=[
            dict(type='Flip'),
            dict(type='MultiScaleCrop', input_size=input_size, magnification_range=(1, 2)),
        ],
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=held_out,
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [
    dict(type='ImageQuality', size=size, prefix=f'image_{size}') for size in (64, 128)
]
test_evaluator += [dict(type='ScaleConsistency', sizes=(64, 256))]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: the training pictures, for 24 are too few to compare with. Random
# features need no download: they compare runs of this set with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=8,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=216),
    ),
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference={**held_out, 'start': 0, 'stop': 216},
            size=64,
            extractor=dict(type='RandomExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, input_size
