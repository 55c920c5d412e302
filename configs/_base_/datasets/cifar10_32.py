"""CIFAR-10 as distributed (cifar-10-python.tar.gz or the binary version) in ``cifar10/``; 32 px."""

data_root = '{{$DDMI_DATA:data}}/cifar10'
input_size = 32
held_out = dict(
    type='ImageDataset',
    root=data_root,
    split='test',
    pipeline=[dict(type='PackImage', input_size=input_size, image_size=input_size)],
)
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageDataset',
        root=data_root,
        split='train',
        pipeline=[
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
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'stop': 1000},
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [dict(type='ImageQuality')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: 50,000 samples against the training pictures, as is the custom.
generation = dict(
    test_dataloader=dict(
        batch_size=100,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=50_000),
    ),
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference={**held_out, 'split': 'train'},
            size=32,
        )
    ],
    test_cfg=dict(),
)
del held_out, input_size
