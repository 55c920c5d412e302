"""A 2-D U-Net on one plane of 8x8 or 16x16, made for CPUs: 2.8 M parameters."""

denoiser = dict(
    type='PlaneUNet',
    model_channels=64,
    channel_mult=(1, 2),
    num_res_blocks=1,
    attention_rates=(1, 2),
    num_head_channels=32,
    mix='none',
)
