"""Published denoiser of AFHQv2 (519 M parameters): a 2-D U-Net on one plane of 64x64."""

denoiser = dict(
    type='PlaneUNet',
    model_channels=224,
    channel_mult=(1, 2, 4, 6),
    num_res_blocks=2,
    attention_rates=(2, 4, 8),
    num_head_channels=32,
    mix='none',
)
