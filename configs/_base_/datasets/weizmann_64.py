"""Weizmann human actions, 32 clips of 48 frames of 64 px; every second frame, one person held out.

Too few to generate from well: to try the whole path on real clips.
"""

data_root = '{{$DDMI_DATA:data}}/weizmann_mocogan'
size = 64
# 16 frames at the start and 16 at the end of each clip.
windows = dict(
    type='VideoFolder',
    root=data_root,
    num_frames=16,
    stride=2,
    num_windows=2,
    pipeline=[dict(type='PackClip', size=size, clip_size=size)],
)
held_out = dict(windows, split='val')
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='VideoFolder',
        root=data_root,
        split='train',
        num_frames=16,
        stride=2,
        random_start=True,
        pipeline=[dict(type='FlipClip'), dict(type='CropClip', size=size)],
    ),
)
val_dataloader = dict(
    batch_size=4,
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
# What stage 2 is evaluated with: the training clips, for 4 are too few to compare with. Random
# features need no download: they compare runs of this set with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=56),
    ),
    test_evaluator=[
        dict(
            type='ClipQuality',
            reference=dict(windows, split='train'),
            size=(16, size, size),
            extractor=dict(type='RandomClipExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, windows, size
