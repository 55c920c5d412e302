"""Table 8 of the paper: what hierarchical basis fields (HDBF) and coarse-to-fine conditioning add.

    python tools/ablate.py configs/ablations/table8.py --seeds 3

Scales: tiny, a smoke test of two minutes on one core; small, CIFAR-10's cats and dogs at 32 px, an
hour on one core per row and seed; paper, AFHQv2 dogs as published, days on 4 GPUs per row. The
paper's text does not say which data set its table is about: that its numbers are of AFHQv2 dogs at
256 px is a guess, by their size.
"""

columns = [
    dict(title='PSNR', stage=1, metric='image/psnr'),
    dict(title='FID', stage=2, metric='generation/fid_random_not_comparable'),
]
rows = [
    dict(name='PE', paper=dict(PSNR=32.72, FID=8.54)),
    dict(name='PE + HDBF', paper=dict(PSNR=33.17, FID=8.23)),
    dict(name='PE + HDBF + CFC', paper=dict(PSNR=33.56, FID=7.82)),
]
small = [
    'ablations/catdog_32_single_scale_ldm.py',
    'ablations/catdog_32_concat_ldm.py',
    'ddmi/catdog_32.py',
]
scales = dict(
    tiny=dict(
        note='A smoke test of a few iterations on a few pictures: the numbers mean nothing.',
        configs=small,
        stage1={
            'train_cfg.max_iters': 10,
            'train_dataloader.batch_size': 4,
            'test_dataloader.dataset.stop': 32,
            'val_dataloader.dataset.stop': 32,
        },
        stage2={
            'train_cfg.max_iters': 10,
            'train_dataloader.batch_size': 4,
            'train_dataloader.dataset.stop': 64,
            'model.diffuser.sampler.num_steps': 2,
            'test_dataloader.dataset.num_samples': 80,
        },
    ),
    small=dict(
        note='CIFAR-10 cats and dogs, 32 px; FID of random features, comparable in here only.',
        configs=small,
    ),
    paper=dict(
        configs=[
            'ablations/afhqv2_dog_single_scale_ldm.py',
            'ablations/afhqv2_dog_concat_ldm.py',
            'ddmi/afhqv2_dog.py',
        ],
        metrics=dict(FID='generation_256/fid'),
    ),
)
del small
