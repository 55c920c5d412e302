"""Both stages on procedural clips of 16 frames of 32x32.

    python tools/train.py configs/ddmi/procedural_video.py

Hardware and time: one CPU core, 17 minutes after stage 1.
Score: FVD on random features 9.8 (reconstructions of held-out clips: 11.5), precision 0.80, recall
0.39; see benchmarks/results/clips.md.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_video_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_video.py'
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=2500)
