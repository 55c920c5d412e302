"""Procedural chairs from a partial cloud: five completions of half a chair.

    python tools/train.py configs/ddmi/procedural_chair_completion.py
    python tools/generate.py configs/ddmi/procedural_chair_completion.py --out completions \\
        --condition partial.ply --seeds 0-4

It shares its first stage with ``procedural_chair``. Without any training for the task, an
unconditional model completes by ``tools/complete.py``.

Hardware and time: one CPU core, 9 minutes after stage 1, other jobs on it.
Score: 80 completions of 16 held-out halves: observed points within 0.028 of the surface on average,
72 % of them within 0.03; mutual difference 0.013. Completion without training is compared with it
in docs/tasks.md.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/conditioners/points_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_chair.py'
train_cfg = dict(max_iters=2000)
# What is known of a chair: half of its surface, 256 points of it.
parts = [
    dict(type='JitterSurface'),
    dict(type='CropSurface', num_points=256),
    dict(type='PackShape', cond='partial_points'),
]
train_dataloader = dict(dataset=dict(pipeline=parts))
test_dataloader = dict(
    dataset=dict(
        num_samples=80,
        cond=dict(
            type='dataset',
            dataset=dict(
                type='ProceduralChairs',
                num_shapes=64,
                first_seed=1_000_000,
                num_points=1,
                pipeline=parts,
            ),
            num_items=16,
            repeat=5,
        ),
    )
)
test_evaluator = [
    dict(type='UnidirectionalHausdorff', observed='cond', resolution=64),
    dict(type='TotalMutualDifference', num_shapes=5),
]
del parts
