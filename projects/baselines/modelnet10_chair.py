"""Generative models of fields at equal training time, on ModelNet10 chairs.

    export PYTHONPATH=projects/functa:projects/gem:projects/gasp:projects/dpf
    python tools/ablate.py projects/baselines/modelnet10_chair.py

The chairs are made by the command in docs/data.md. Scales: tiny, a smoke test; small, twelve
minutes of one CPU core for both stages together, by iterations at rates that were measured once;
long, every config at its own length.
"""

_base_ = './catdog_32.py'
columns = [
    dict(title='IoU', stage=1, metric='iou/mean'),
    dict(title='MMD-CD', metric='generation/mmd_cd'),
    dict(title='COV-CD', metric='generation/cov_cd'),
    dict(title='1-NNA-CD', metric='generation/1nna_cd'),
]
configs = [
    'ddmi/modelnet10_chair.py',
    'baselines/modelnet10_chair_full_weights_ldm.py',
    'functa/configs/functa_modelnet10_chair_ldm.py',
    'gem/configs/gem_modelnet10_chair.py',
    'gasp/configs/gasp_modelnet10_chair.py',
    'dpf/configs/modelnet10_chair_dpf.py',
]
note = 'ModelNet10 chairs from 32³ voxels.'
coarse = {'test_evaluator.0.resolution': 32}
coarser = {
    **coarse,
    'first_stage.test_evaluator': [dict(type='OccupancyIoU')],
    'model.diffuser.sampler.num_steps': 2,
}
scales = dict(
    tiny=dict(
        configs=configs,
        options=[coarser] * 3 + [coarse] * 3,
    ),
    small=dict(
        note=note,
        configs=configs,
        options=[
            {'first_stage.train_cfg.max_iters': 1150, 'train_cfg.max_iters': 2500},
            {'first_stage.train_cfg.max_iters': 2300, 'train_cfg.max_iters': 2500},
            {'first_stage.train_cfg.max_iters': 1500, 'train_cfg.max_iters': 5000},
            {'train_cfg.max_iters': 5400},
            {'train_cfg.max_iters': 1550},
            {'train_cfg.max_iters': 5300},
        ],
    ),
    long=dict(note=note, configs=configs),
)
del coarse, coarser, configs, note
