"""One picture of the Kodak suite: input of half its size, targets of its own."""

data_root = '{{$DDMI_DATA:data}}/kodak24'
input_size = (256, 384)
one_picture = dict(type='ImageDataset', root=data_root, start=2, stop=3)
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        **one_picture,
        pipeline=[
            dict(type='PackImage', input_size=input_size, size=(512, 768)),
            dict(type='StrideQuery', stride=4),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        **one_picture,
        pipeline=[dict(type='PackImage', input_size=input_size, size=(512, 768))],
    ),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [dict(type='ImageQuality')]
val_cfg = dict()
test_cfg = dict()
generation = dict()
del one_picture, input_size
