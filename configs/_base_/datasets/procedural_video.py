"""Procedural clips of 16 frames of 32 px: 1024 for training, held-out ones from seed 1,000,000."""

size = 32
clips = dict(type='ProceduralClips', num_clips=1024, size=size, num_frames=16)
held_out = dict(
    clips,
    num_clips=128,
    first_seed=1_000_000,
    pipeline=[dict(type='PackClip', size=size, clip_size=size)],
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(clips, pipeline=[dict(type='FlipClip'), dict(type='CropClip', size=size)]),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'num_clips': 32},
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
# What stage 2 is evaluated with. Random features need no download: they compare runs of this set
# with each other and with nothing else.
generation = dict(
    test_dataloader=dict(
        batch_size=8,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(type='SeedDataset', num_samples=128),
    ),
    test_evaluator=[
        dict(
            type='ClipQuality',
            reference=held_out,
            size=(16, size, size),
            extractor=dict(type='RandomClipExtractor'),
        )
    ],
    test_cfg=dict(),
)
del held_out, clips, size
