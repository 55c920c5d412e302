"""Cats and dogs of CIFAR-10: 1400 for training, 340 held out, 32 px, two classes.

The files are JPEG re-encodings: never compare with numbers on CIFAR-10 itself.
"""

data_root = '{{$DDMI_DATA:data}}/cifar10_catdog'
input_size = 32
classes = ['cat', 'dog']
held_out = dict(
    type='ImageDataset',
    root=data_root,
    split='test',
    classes=classes,
    pipeline=[dict(type='PackImage', input_size=input_size, image_size=input_size)],
)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageDataset',
        root=data_root,
        split='train',
        classes=classes,
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
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=held_out,
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [dict(type='ImageQuality')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: the training pictures, as is the custom for this set. Random
# features need no download: they compare runs of this set with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=16,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=1400),
    ),
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference={**held_out, 'split': 'train'},
            size=32,
            extractor=dict(type='RandomExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, classes, input_size
