"""As configs/ddmi/shapenet_chair.py, with the paper's wording: plain noise prediction (Eq. 10) and
ancestral sampling over all 1000 steps (section 3.2).

    python tools/train.py configs/ddmi/shapenet_chair_paper.py

Hardware and time: as the config it is based on; not trained by us yet.
Score: MMD 1.5, COV 0.510 (the paper).
"""

_base_ = './shapenet_chair.py'
first_stage_config = 'd2c_vae/shapenet_chair_paper.py'
diffuser = dict(
    parameterization=dict(_delete_=True, type='Eps'),
    sampler=dict(_delete_=True, type='DDPM', num_steps=1000),
)
