"""Both stages on a quarter of a second of sound.

    export PYTHONPATH=projects/audio_1d
    python tools/train.py projects/audio_1d/configs/ddmi/audio_tones.py

Hardware and time: one CPU core; not measured yet.
Score: not measured yet.
"""

_base_ = [
    'ddmi_toolkit::_base_/diffusion/ddpm_v_small.py',
    'ddmi_toolkit::_base_/denoisers/plane_unet_small.py',
    'ddmi_toolkit::_base_/schedules/adamw_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/audio_tones.py'
latent_cache = dict(draws_per_item=1)  # a note is the same at every visit
train_cfg = dict(max_iters=6000)
