"""As configs/d2c_vae/celebahq_256.py with a latent of 32 x 32 x 32: an eighth of the numbers.

The published latent of 64 x 64 x 64 holds more numbers than the picture. Ours, not published.

    python tools/train.py configs/d2c_vae/celebahq_256_compact.py

Hardware and time: as the config it is based on; not trained by us yet.
Score: none yet.
"""

_base_ = './celebahq_256.py'
model = dict(
    latent_channels=32,
    layout=dict(latent_stride=8),
    encoder=dict(channel_mult=(1, 2, 4, 4)),
    generator=dict(decoder=dict(channel_mult=(1, 2, 4, 4))),
)
