"""Generative models of fields at equal training time, on pictures of CIFAR-10's cats and dogs.

    export PYTHONPATH=projects/functa:projects/gem:projects/gasp:projects/dpf
    python tools/ablate.py projects/baselines/catdog_32.py

Scales: tiny, a smoke test; small, eight minutes of one CPU core for both stages together, by
iterations at rates that were measured once; long, every config at its own length.
"""

columns = [
    dict(title='PSNR', stage=1, metric='image/psnr'),
    dict(title='FID', metric='generation/fid_random_not_comparable'),
    dict(title='precision', metric='generation/precision_random_not_comparable'),
    dict(title='recall', metric='generation/recall_random_not_comparable'),
]
rows = [
    dict(name='DDMI'),
    dict(name='weights'),
    dict(name='Functa'),
    dict(name='GEM'),
    dict(name='GASP'),
    dict(name='DPF'),
]
configs = [
    'ddmi/catdog_32.py',
    'baselines/catdog_32_full_weights_ldm.py',
    'functa/configs/functa_catdog_32_ldm.py',
    'gem/configs/gem_catdog_32.py',
    'gasp/configs/gasp_catdog_32.py',
    'dpf/configs/catdog_32_dpf.py',
]
few = {'test_dataloader.dataset.num_samples': 80}
fewer = {
    **few,
    'first_stage.test_dataloader.dataset.stop': 32,
    'model.diffuser.sampler.num_steps': 2,
}
scales = dict(
    tiny=dict(
        note='A smoke test of a few iterations on a few pictures: the numbers mean nothing.',
        configs=configs,
        options=[fewer] * 3 + [few] * 3,
        stage1={'train_cfg.max_iters': 4, 'train_dataloader.batch_size': 4},
        stage2={
            'train_cfg.max_iters': 4,
            'train_dataloader.batch_size': 4,
            'train_dataloader.dataset.stop': 64,
        },
    ),
    small=dict(
        note='CIFAR-10 cats and dogs, 32 px; FID of random features, comparable in here only.',
        configs=configs,
        options=[
            {'first_stage.train_cfg.max_iters': 2100, 'train_cfg.max_iters': 2450},
            {'first_stage.train_cfg.max_iters': 4700, 'train_cfg.max_iters': 2600},
            {'first_stage.train_cfg.max_iters': 1000, 'train_cfg.max_iters': 4500},
            {'train_cfg.max_iters': 3900},
            {'train_cfg.max_iters': 2200},
            {'train_cfg.max_iters': 2600},
        ],
    ),
    long=dict(
        note='CIFAR-10 cats and dogs, 32 px; FID of random features, comparable in here only.',
        configs=configs,
    ),
)
del configs, few, fewer
