"""As configs/d2c_vae/skytimelapse_256.py, followed by the adversarial phase, in one run.

    python tools/train.py configs/d2c_vae/skytimelapse_256_gan.py

Two games as published: one about a random frame, one about the whole clip, with feature matching
four times as heavy as the hinge term. The published phase is a second command with a constant
rate; here it is the second half of one run, with the cosine of the first.

Hardware and time: written for 4 GPUs; not trained by us yet.
Score: none published for stage 1 alone.
"""

_base_ = './skytimelapse_256.py'
patches = dict(type='PatchAdversarialLoss', weight=0.5, feature_weight=8.0, norm='batch')
model = dict(
    adversarial=dict(
        frame=dict(type='OneFrameGame', game=patches),
        clip=dict(patches, dim=3),
    )
)
optim_wrapper = dict(
    constructor='AdversarialOptimWrapperConstructor',
    discriminator=dict(optimizer=dict(type='AdamW', lr=1e-4, betas=(0.5, 0.9))),
)
train_cfg = dict(max_iters=800_000)  # the first half without the discriminators
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.1, length=0.45),
    dict(
        type='LossWeightHook',
        attribute='regularizer.weight',
        start=5.0,
        end=0.1,
        length=0.45,
        curve='exponential',
    ),
]
custom_hooks += [
    dict(
        type='LossWeightHook',
        attribute=f'adversarial.{name}.weight',
        start=0.0,
        end=0.5,
        begin=0.5,
        length=0.01,
    )
    for name in ('frame', 'clip')
]
custom_hooks += [dict(type='ReconstructionHook', interval=20_000)]
del patches
