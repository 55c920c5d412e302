"""SkyTimelapse, 16 frames of 256 px: ``sky_timelapse/{train,test}/<video>/<clip>/<frame>``.

Published draws: 16 successive frames at a random place of a clip, the centered square, no mirrors.
"""

data_root = '{{$DDMI_DATA:data}}/sky_timelapse'
size = 256
clips = dict(type='VideoFolder', root=data_root, num_frames=16)
held_out = dict(clips, split='test', pipeline=[dict(type='PackClip', size=size, clip_size=size)])
train_set = dict(clips, split='train', random_start=True)
train_dataloader = dict(
    batch_size=2,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(train_set, pipeline=[dict(type='CropClip', size=size)]),
)
val_dataloader = dict(
    batch_size=2,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(held_out, stop=100),
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
val_evaluator = [dict(type='ImageQuality')]
test_evaluator = [dict(type='ImageQuality')]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: one window of each training clip, at a random place, against as
# many samples; 2048 is the custom, the published code takes as many as there are training clips.
generation = dict(
    test_dataloader=dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=2048),
    ),
    test_evaluator=[
        dict(
            type='ClipQuality',
            reference=dict(train_set, pipeline=[dict(type='PackClip', size=size, clip_size=size)]),
            size=(16, size, size),
            num_references=2048,
        )
    ],
    test_cfg=dict(),
)
del held_out, train_set, clips, size
