"""Stage 1 on a quarter of a second of sound: notes at 4 kHz, made from seeds.

    export PYTHONPATH=projects/audio_1d
    python tools/train.py projects/audio_1d/configs/d2c_vae/audio_tones.py

Hardware and time: one CPU core; not measured yet.
Score: not measured yet.
"""

_base_ = [
    'ddmi_toolkit::_base_/schedules/adamw_cosine_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
custom_imports = dict(imports=['audio_1d'])
model = dict(
    type='D2CVAE',
    latent_channels=4,
    # The coordinate is the time in seconds: 1024 nodes, at 4 kHz.
    layout=dict(
        axes=[dict(name='t', size=1024, low=0.0, high=0.256)], planes=['t'], latent_stride=16
    ),
    encoder=dict(
        type='ConvEncoder',
        in_channels=1,
        base_channels=16,
        channel_mult=(1, 2, 2, 4, 4),
        num_res_blocks=1,
    ),
    generator=dict(
        type='PEGenerator',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=16,
            strides=(16, 4, 1),
            base_channels=16,
            channel_mult=(1, 2, 2, 4, 4),
            num_res_blocks=1,
        ),
        readout=dict(type='CFCReadout', width=32, head=dict(type='LinearHead', out_channels=1)),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='L1Loss')),
)
sounds = dict(type='Sounds', size=1024, rate=4000)
held_out = dict(sounds, num_sounds=512, first=1_000_000)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    # Random times, so that the field is right between the samples, too.
    dataset=dict(sounds, num_sounds=4096, upsample=None),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=held_out,
)
val_dataloader = {**test_dataloader, 'dataset': {**held_out, 'num_sounds': 64}}
as_a_set = dict(
    type='SoundQuality', reference=held_out, extractor=dict(type='PixelExtractor', grid=12)
)
one_by_one = dict(type='ImageQuality', names=['psnr'], prefix='waveform')
val_evaluator = [one_by_one]
test_evaluator = [one_by_one, as_a_set]
val_cfg = test_cfg = dict()
train_cfg = dict(max_iters=4000, val_interval=1000)
generation = dict(
    test_dataloader={**test_dataloader, 'dataset': dict(type='SeedDataset', num_samples=512)},
    test_evaluator=[as_a_set],
    test_cfg=dict(),
)
del as_a_set, held_out, one_by_one, sounds
