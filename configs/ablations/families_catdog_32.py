"""Weights or embeddings, on pictures: eight kinds of fields with as many parameters each.

    python tools/ablate.py configs/ablations/families_catdog_32.py --seeds 3 --stages 1

Same encoder, latent, data and iterations; generators of 0.37 M parameters (the first 0.35).
PE + HDBF + CFC is the method of the paper, whose Table 8 has the first three rows, and which argues
that generated weights express less (section 1). Scales: tiny, a smoke test; small, CIFAR-10's cats
and dogs, short runs of 1500 iterations (one to three minutes of an idle core per row and seed);
long, the runs of the leaves as they are; paper, AFHQv2 dogs as published.
"""

_base_ = './table8.py'
columns = [
    dict(title='PSNR', stage=1, metric='image/psnr'),
    dict(title='SSIM', stage=1, metric='image/ssim'),
    dict(title='FID', stage=2, metric='generation/fid_random_not_comparable'),
]
rows = [
    dict(name='PE', paper=dict(PSNR=32.72, FID=8.54)),
    dict(name='PE + HDBF', paper=dict(PSNR=33.17, FID=8.23)),
    dict(name='PE + HDBF + CFC', paper=dict(PSNR=33.56, FID=7.82)),
    dict(name='PE + HDBF + CFC, sum'),
    dict(name='weights, full'),
    dict(name='weights, factorized'),
    dict(name='weights, shift'),
    dict(name='weights, transformer'),
]
kinds = ['full_weights', 'factorized_weights', 'shifted_siren', 'transformer_siren']
small = [
    'ablations/catdog_32_single_scale_ldm.py',
    'ablations/catdog_32_concat_ldm.py',
    'ddmi/catdog_32.py',
    'ablations/catdog_32_cfc_sum_ldm.py',
    *[f'baselines/catdog_32_{kind}_ldm.py' for kind in kinds],
]
paper = [path.replace('catdog_32', 'afhqv2_dog') for path in small]
note = 'CIFAR-10 cats and dogs, 32 px; FID of random features, comparable in here only.'
scales = dict(
    tiny=dict(configs=small),
    small=dict(
        note=f'{note} Short runs: 1500 iterations of 8 pictures.',
        configs=small,
        stage1={'train_cfg.max_iters': 1500},
        stage2={'train_cfg.max_iters': 1500},
    ),
    long=dict(note=note, configs=small),
    paper=dict(configs=paper),
)
del kinds, small, paper, note
