"""Published denoiser of videos (768 M parameters): planes xy, xt and yt with joint attention."""

denoiser = dict(
    type='PlaneUNet',
    model_channels=256,
    channel_mult=(1, 2, 4, 6),
    num_res_blocks=2,
    attention_rates=(2, 4, 8),
    num_head_channels=64,
    mix='token',
    num_mix_heads=16,
)
