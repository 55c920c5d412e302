"""As configs/ddmi/celebahq_256.py, with the paper's wording: plain noise prediction (Eq. 10) and
ancestral sampling over all 1000 steps (section 3.2).

    python tools/train.py configs/ddmi/celebahq_256_paper.py

Hardware and time: as the config it is based on; not trained by us yet.
Score to reach (paper): FID 9.74 / 8.73 / 7.25 / 10.44 at 64 / 128 / 256 / 384 px.
"""

_base_ = './celebahq_256.py'
first_stage_config = 'd2c_vae/celebahq_256_paper.py'
diffuser = dict(
    parameterization=dict(_delete_=True, type='Eps'),
    sampler=dict(_delete_=True, type='DDPM', num_steps=1000),
)
