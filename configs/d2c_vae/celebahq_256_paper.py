"""As configs/d2c_vae/celebahq_256.py, with the paper's wording where the published code differs.

A Gaussian likelihood (section 3.1), averaged over the pixels (Eq. 9); a 1x1 convolution reads out
every basis field; no perceptual loss and no spectral regularizer. With averages over 3 x 256 x 256
values the KL weight shrinks by as much, so that the balance is the published one.

    python tools/train.py configs/d2c_vae/celebahq_256_paper.py

Hardware and time: as the config it is based on; not trained by us yet.
Score: none published for stage 1 alone.
"""

_base_ = './celebahq_256.py'
values = 3 * 256 * 256
model = dict(
    generator=dict(decoder=dict(finest_head='conv1x1')),
    losses=dict(_delete_=True, recon=dict(type='MSELoss', weight=0.5, reduction='mean')),
    regularizer=None,
)
custom_hooks = [
    dict(
        type='LossWeightHook',
        attribute='kl_weight',
        start=1e-4 / values,
        end=0.5 / values,
        begin=1e-4,
        length=0.9,
    )
]
del values
