"""Text to shape on Text2Shape, at the paper's setting: CLIP's text tower, cross-attention, w = 3.

    python tools/train.py configs/ddmi/text2shape.py
    python tools/generate.py configs/ddmi/text2shape.py --out samples \\
        --prompt "a two-layered table"

Weights: CLIP ViT-L-14 of OpenAI; where they are absent, the first line says how to get them
before anything is trained. The paper does not say which CLIP it took. Without any,
``--cfg-options model.conditioner._delete_=True model.conditioner.type=WordConditioner`` learns its
words from the captions.
Hardware and time: written for one GPU; not trained by us.
Score to reach (paper, Table 7): accuracy 91.30, CLIP-S 30.30, TMD 0.204.
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_stacked.py',
    '../_base_/conditioners/clip_text.py',
    '../_base_/schedules/adamw_1e-4_1400k.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/text2shape.py'
model = dict(guidance=dict(type='Guidance', scale=3.0))
