"""GEM on a quarter of a second of sound, the notes of projects/audio_1d. Tests samples.

export PYTHONPATH=projects/gem:projects/audio_1d
python tools/train.py projects/gem/configs/gem_audio_tones.py
"""

_base_ = '../../audio_1d/configs/d2c_vae/audio_tones.py'
custom_imports = dict(imports=['audio_1d', 'gem'])
generates = True
model = dict(
    _delete_=True,
    type='GEM',
    num_items=4096,
    latent_channels=128,
    layout=dict(
        axes=[dict(name='t', size=1024, low=0.0, high=0.256)], planes=['t'], latent_stride=1024
    ),
    generator=dict(
        type='WeightGenerator',
        out_channels=1,
        width=96,
        num_layers=4,
        # As many octaves as samples see: the next one is at their Nyquist frequency.
        network=dict(type='FourierMLP', num_frequencies=9),
        modulation=dict(type='FactorizedWeights', rank=10),
        hypernetwork=dict(type='MLPHypernetwork', hidden_channels=128),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='MSELoss', reduction='mean')),
    distance=dict(type='MeanSquaredDistance'),
)
# The same times in all sounds, so that distances between them are defined.
train_dataloader = dict(batch_size=16, dataset=dict(upsample=1, pipeline=[dict(type='ItemIndex')]))
val_dataloader = None
val_evaluator = None
val_cfg = None
optim_wrapper = dict(optimizer=dict(lr=1e-3))
custom_hooks = [
    dict(type='SubmoduleEMAHook', momentum=1e-3, warmup=dict(begin=100, power=2 / 3)),
    dict(type='SampleHook', interval=1000, seeds=8),
]
