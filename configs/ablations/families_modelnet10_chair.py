"""Weights or embeddings, on shapes: eight kinds of fields with as many parameters each.

    python tools/ablate.py configs/ablations/families_modelnet10_chair.py --seeds 3 --stages 1

Same encoder, latent, data and iterations; generators of 0.42 M parameters (the first 0.39).
The chairs are made by the command in docs/data.md. Scales: tiny, a smoke test; small, short runs of
700 iterations of 4 chairs (two minutes of an idle core per row and seed); long, the runs of the
leaves.
"""

columns = [
    dict(title='IoU', stage=1, metric='iou/mean'),
    dict(title='MMD-CD', stage=2, metric='generation/mmd_cd'),
    dict(title='COV-CD', stage=2, metric='generation/cov_cd'),
    dict(title='1-NNA-CD', stage=2, metric='generation/1nna_cd'),
]
rows = [
    dict(name='PE'),
    dict(name='PE + HDBF'),
    dict(name='PE + HDBF + CFC'),
    dict(name='PE + HDBF + CFC, sum'),
    dict(name='weights, full'),
    dict(name='weights, factorized'),
    dict(name='weights, shift'),
    dict(name='weights, transformer'),
]
kinds = ['full_weights', 'factorized_weights', 'shifted_siren', 'transformer_siren']
leaves = [
    'ablations/modelnet10_chair_single_scale_ldm.py',
    'ablations/modelnet10_chair_concat_ldm.py',
    'ddmi/modelnet10_chair.py',
    'ablations/modelnet10_chair_cfc_sum_ldm.py',
    *[f'baselines/modelnet10_chair_{kind}_ldm.py' for kind in kinds],
]
scales = dict(
    tiny=dict(
        note='A smoke test of a few iterations on few chairs: the numbers mean nothing.',
        configs=leaves,
        stage1={
            'train_cfg.max_iters': 10,
            'train_dataloader.batch_size': 4,
            'test_evaluator': [dict(type='OccupancyIoU')],
        },
        stage2={
            'train_cfg.max_iters': 10,
            'train_dataloader.batch_size': 4,
            'model.diffuser.sampler.num_steps': 2,
            'test_evaluator.0.resolution': 32,
        },
    ),
    small=dict(
        note='ModelNet10 chairs from 32³ voxels. Short runs: 700 iterations of 4 chairs.',
        configs=leaves,
        stage1={
            'train_cfg.max_iters': 700,
            'train_dataloader.batch_size': 4,
            'test_evaluator': [dict(type='OccupancyIoU')],
        },
        stage2={'train_cfg.max_iters': 1500},
    ),
    long=dict(note='ModelNet10 chairs from 32³ voxels.', configs=leaves),
)
del kinds, leaves
