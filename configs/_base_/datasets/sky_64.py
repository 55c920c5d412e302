"""40 clips of SkyTimelapse, 32 frames of 128 px: windows of 16 at 64 px, 8 clips held out.

Too few to generate from well: to try the whole path on real clips.
"""

data_root = '{{$DDMI_DATA:data}}/skytimelapse_mdgan'
size = 64
# The two halves of each clip, one after the other.
halves = dict(
    type='VideoFolder',
    root=data_root,
    num_frames=16,
    num_windows=2,
    pipeline=[dict(type='PackClip', size=size, clip_size=size)],
)
held_out = dict(halves, split='val')
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
        random_start=True,
        pipeline=[
            dict(type='FlipClip'),
            dict(type='CropClip', size=size),
            dict(type='StrideQuery', stride=2),
        ],
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
test_evaluator = [
    dict(type='ImageQuality'),
    dict(
        type='ClipQuality',
        reference=held_out,
        size=(16, size, size),
        extractor=dict(type='RandomClipExtractor'),
        prefix='reconstruction',
    ),
]
val_cfg = dict()
test_cfg = dict()
# What stage 2 is evaluated with: the training clips, for 8 are too few to compare with. Random
# features need no download: they compare runs of this set with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=64),
    ),
    test_evaluator=[
        dict(
            type='ClipQuality',
            reference=dict(halves, split='train'),
            size=(16, size, size),
            extractor=dict(type='RandomClipExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, halves, size
