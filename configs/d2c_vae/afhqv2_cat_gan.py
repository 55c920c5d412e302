"""As configs/d2c_vae/afhqv2_cat.py, followed by the adversarial phase, in one run.

    python tools/train.py configs/d2c_vae/afhqv2_cat_gan.py

The published phase is a second command that resumes the first with the rate at the end of its
cosine, one picture per batch and up to 1500 passes; here it is the second half of one run, with the
batches and the cosine of the first.

Hardware and time: written for 4 GPUs; not trained by us yet.
Score: none published for stage 1 alone.
"""

_base_ = './afhqv2_cat.py'
model = dict(
    adversarial=dict(patch=dict(type='PatchAdversarialLoss', is_scale_aware=True, norm='batch'))
)
optim_wrapper = dict(
    constructor='AdversarialOptimWrapperConstructor',
    discriminator=dict(optimizer=dict(type='AdamW', lr=5e-5, betas=(0.5, 0.9))),
)
train_cfg = dict(max_iters=516_000)  # the first half without the discriminator
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.5, length=0.45),
    dict(
        type='LossWeightHook',
        attribute='regularizer.weight',
        start=5.0,
        end=0.1,
        length=0.45,
        curve='exponential',
    ),
    dict(
        type='LossWeightHook',
        attribute='adversarial.patch.weight',
        start=0.0,
        end=1.0,
        begin=0.5,
        length=0.01,
    ),
    dict(type='ReconstructionHook', interval=10_000),
]
