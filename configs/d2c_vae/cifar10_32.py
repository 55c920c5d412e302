"""Stage 1 on CIFAR-10; the setting is ours (the paper names the set in its supplement only).

    python tools/train.py configs/d2c_vae/cifar10_32.py

Data: CIFAR-10's own archive below data/cifar10 (docs/data.md).
Hardware and time: one GPU; not trained by us yet.
Score: none known to us.
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/cifar10_32.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Wider than the models made for CPUs; three times fewer numbers than the picture has.
model = dict(
    encoder=dict(base_channels=64, channel_mult=(1, 2, 4), num_res_blocks=2, z_channels=64),
    generator=dict(
        decoder=dict(
            out_channels=64,
            base_channels=64,
            channel_mult=(1, 2, 4),
            num_res_blocks=3,
            z_channels=64,
        ),
        # Trained at one size: larger pictures are rendered as that size is.
        readout=dict(
            width=128,
            modulation=dict(style_channels=128, embed_channels=32, scale_range=(1.0, 1.0)),
        ),
    ),
)
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_iters=100_000, val_interval=10_000)
