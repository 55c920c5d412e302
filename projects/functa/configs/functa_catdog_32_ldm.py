"""Both stages of Functa on CIFAR-10's cats and dogs: a diffusion of the latents.

PYTHONPATH=projects/functa python tools/train.py projects/functa/configs/functa_catdog_32_ldm.py
"""

_base_ = [
    './_base_/vector_diffusion_small.py',
    'ddmi_toolkit::_base_/schedules/adamw_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
first_stage_config = 'functa_catdog_32.py'
latent_cache = dict(draws_per_item=2)  # each picture and its mirror
