"""Both stages of Functa on ModelNet10 chairs: a diffusion of the latents.

PYTHONPATH=projects/functa python tools/train.py \
    projects/functa/configs/functa_modelnet10_chair_ldm.py
"""

_base_ = [
    './_base_/vector_diffusion_small.py',
    'ddmi_toolkit::_base_/schedules/adamw_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
first_stage_config = 'functa_modelnet10_chair.py'
