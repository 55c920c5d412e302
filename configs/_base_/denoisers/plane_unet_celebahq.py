"""Published denoiser of CelebA-HQ (1015 M parameters): a 2-D U-Net on one plane of 64x64."""

denoiser = dict(
    type='PlaneUNet',
    model_channels=256,
    channel_mult=(1, 2, 4, 8),
    num_res_blocks=2,
    attention_rates=(2, 4, 8),
    num_head_channels=32,
    mix='none',
)
