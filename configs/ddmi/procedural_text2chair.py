"""Text to chair on procedural captions, its words learned from scratch: no weights to download.

    python tools/train.py configs/ddmi/procedural_text2chair.py
    python tools/generate.py configs/ddmi/procedural_text2chair.py --out samples --guidance 3 \\
        --prompt "a chair with two arms and four legs"

Hardware and time: one CPU core, about 18 minutes after stage 1.
Score: 1.000 of arms, base, swivel and back asked for by held-out captions at w = 3, 0.991 at w = 1,
0.541 at w = 0 (chance: 0.539), see benchmarks/results/text2chair.md.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/conditioners/words_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_text2chair.py'
latent_cache = dict(draws_per_item=2)
model = dict(guidance=dict(type='Guidance', scale=3.0))
train_cfg = dict(max_iters=6000)
default_hooks = dict(checkpoint=dict(interval=1000))
