"""Dogs of AFHQv2; all else as the cats."""

_base_ = './afhqv2_cat.py'
train_dataloader = dict(dataset=dict(classes=['dog']))
val_dataloader = dict(dataset=dict(classes=['dog']))
test_dataloader = dict(dataset=dict(classes=['dog']))
# Lists do not merge: the metrics of the base, against dogs.
generation = dict(
    test_evaluator=[
        dict(
            type='GenerativeQuality',
            reference=dict(
                type='ImageDataset',
                root={{_base_.data_root}},
                split='train',
                classes=['dog'],
                pipeline=[dict(type='PackImage', input_size=256, image_size=size)],
            ),
            size=size,
            prefix=f'generation_{size}',
        )
        for size in (128, 256, 384)
    ]
)
