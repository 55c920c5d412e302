"""Published denoiser of shapes (679 M parameters): a plain 2-D U-Net on the stacked planes."""

denoiser = dict(
    type='StackedPlanes',
    denoiser=dict(
        type='PlaneUNet',
        model_channels=256,
        channel_mult=(1, 2, 4, 6),
        num_res_blocks=2,
        attention_rates=(2, 4, 8),
        num_head_channels=32,
        mix='none',
    ),
)
