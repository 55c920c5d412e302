"""As configs/ddmi/celebahq_256.py on latents of 32 x 32 x 32. Ours, not published.

A step costs a quarter of the published one: the U-Net works on 32 x 32 nodes.

    python tools/train.py configs/ddmi/celebahq_256_compact.py

Hardware and time: as the config it is based on; not trained by us yet.
Score to reach (paper, with the larger latent): FID 9.74 / 8.73 / 7.25 / 10.44 at
64 / 128 / 256 / 384 px.
"""

_base_ = './celebahq_256.py'
first_stage_config = 'd2c_vae/celebahq_256_compact.py'
