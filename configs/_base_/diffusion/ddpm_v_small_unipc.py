"""As ``ddpm_v_small``, sampled with 12 steps of UniPC at even log-SNR."""

_base_ = './ddpm_v_small.py'
diffuser = dict(sampler=dict(_delete_=True, type='UniPC', num_steps=12, order=2, spacing='log_snr'))
