"""LSUN outdoor churches, centers of 256 px: ``church_outdoor_{train,val}_lmdb`` as distributed.

The databases hold JPEGs with a short side of 256 px; FID depends on how they were cropped and
resized, so compare checksums (docs/data.md) before comparing numbers.
"""

data_root = '{{$DDMI_DATA:data}}/church_outdoor_train_lmdb'
input_size = 256
held_out = dict(
    type='ImageDataset',
    root='{{$DDMI_DATA:data}}/church_outdoor_val_lmdb',
    pipeline=[
        dict(type='CenterSquare'),
        dict(type='PackImage', input_size=input_size, image_size=input_size),
    ],
)
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageDataset',
        root=data_root,
        pipeline=[
            dict(type='CenterSquare'),
            dict(type='Flip'),
            # Whole pictures: there are no finer pixels to learn from.
            dict(
                type='MultiScaleCrop',
                input_size=input_size,
                magnifications=[1],
                probabilities=[1],
            ),
        ],
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=held_out,
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [dict(type='ImageQuality')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: 50,000 samples against all training pictures, as is the custom.
generation = dict(
    test_dataloader=dict(
        batch_size=16,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=50_000),
    ),
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference={**held_out, 'root': data_root},
            size=size,
            prefix=f'generation_{size}',
        )
        for size in (64, 128, 256)
    ],
    test_cfg=dict(),
)
del held_out, input_size
