"""As ``ddpm_v_small``, but training reaches the pure noise that sampling starts from."""

_base_ = './ddpm_v_small.py'
diffuser = dict(schedule=dict(zero_terminal_snr=True))
