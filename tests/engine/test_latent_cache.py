"""Stage 2 reads latents from disk and trains as if it had encoded them."""

import os
import shutil
import socket
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_latent
import torch
from PIL import Image
from tiny_run import build_runner, losses_of

from ddmi_toolkit.engine import LatentStore, StorePlan
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw
from ddmi_toolkit.utils import load_checkpoint

NO_VAL = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
SOURCE = dict(type='TinyConditioned')


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Five float32 records per file, so that there are many files."""
    monkeypatch.setattr('ddmi_toolkit.engine.latent_store._CHUNK_BYTES', 5 * 6 * 4 * 4)


def cached(folder, **changes):
    """Config of a cache over the tiny data."""
    cache = dict(type='LatentCache', dataset=dict(SOURCE), draws_per_item=3, dtype='float32')
    return cache | dict(cache_dir=str(folder / 'latents')) | changes


def runner_for(folder, dataset, *, hooks=(), loader=None, model=None, **changes):
    """A stage-2 runner of 20 iterations."""
    hooks = [dict(type='SubmoduleEMAHook', modules=['denoiser'], momentum=0.1), *hooks]
    hooks += [dict(type='LatentCacheHook'), dict(type='RecordLosses')]
    return build_runner(
        folder,
        max_iters=20,
        model=dict(type='TinyLatent') | (model or {}),
        custom_hooks=hooks,
        loader=dict(dataset=dataset) | (loader or {}),
        **NO_VAL,
        **changes,
    )


def train(folder, dataset, **changes):
    """Losses, encoder calls and final checkpoint."""
    runner = runner_for(folder, dataset, **changes)
    runner.train()
    state = load_checkpoint(folder / 'iter_20.pth')
    return losses_of(runner), runner.model.first_stage.calls, state


@pytest.mark.parametrize('num_workers', [0, 2])
def test_cached_and_uncached_training_have_the_same_losses(tmp_path, num_workers):
    """With the same draws and float32 on disk: to 1e-5, and nothing is encoded twice."""
    loader = dict(num_workers=num_workers)
    enumerated = dict(type='EnumeratedDraws', dataset=dict(SOURCE), draws_per_item=3)
    plain, calls, _ = train(tmp_path / 'plain', enumerated, loader=loader)
    assert calls == 20
    first, calls, _ = train(tmp_path / 'first', cached(tmp_path), loader=loader)
    assert first == pytest.approx(plain, rel=1e-5)
    assert calls >= 36 / 3
    again, calls, _ = train(tmp_path / 'again', cached(tmp_path), loader=loader)
    assert again == first
    assert calls == 1  # the first record is compared
    half, _, _ = train(tmp_path / 'half', cached(tmp_path, dtype='float16'), loader=loader)
    assert half == pytest.approx(plain, rel=1e-2)
    assert half != plain


def test_cached_run_resumes_bit_for_bit(tmp_path):
    """A stop in the middle does not show in losses or weights."""
    straight, _, state = train(tmp_path / 'a', cached(tmp_path))
    first = runner_for(
        tmp_path / 'b', cached(tmp_path), hooks=[dict(type='StopAfter', iteration=13)]
    )
    with pytest.raises(KeyboardInterrupt):
        first.train()
    losses, _, again = train(tmp_path / 'b', cached(tmp_path), resume=True)
    assert losses == straight[10:]
    for name, value in state['state_dict'].items():
        assert torch.equal(value, again['state_dict'][name])


def test_draws_repeat_but_noise_does_not(tmp_path):
    """Visit v reads draw v mod K; the sample's seed is that of the true visit and run."""
    dataset = DATASETS.build(
        dict(type='EnumeratedDraws', dataset=dict(SOURCE), draws_per_item=2, seed=9)
    )
    visits = [dataset[Draw(4, v, 77)] for v in range(4)]
    assert torch.equal(visits[0]['inputs'], visits[2]['inputs'])
    assert torch.equal(visits[0]['inputs'], dataset.dataset[Draw(4, 0, 9)]['inputs'])
    assert not torch.equal(visits[0]['inputs'], visits[1]['inputs'])
    assert [v['seed'] for v in visits] == [
        dataset.dataset[Draw(4, v, 77)]['seed'] for v in range(4)
    ]


def test_cache_returns_what_a_batch_needs(tmp_path):
    """Moments of the draw, conditions and names; neither inputs nor query."""
    runner = runner_for(tmp_path, cached(tmp_path))
    runner.train()
    cache = runner.train_dataloader.dataset
    sample, source = cache[Draw(7, 4, 5)], cache.source.dataset[Draw(7, 1, 0)]
    assert set(sample) == {'moments', 'cond', 'meta', 'seed'}
    assert sample['cond'] == source['cond']
    assert sample['meta'] == dict(name='item7')
    expected = runner.model.first_stage.encode(source['inputs'][None]).moments[0]
    assert torch.allclose(sample['moments'], expected, atol=1e-6)
    with pytest.raises(IndexError, match='item 12 of a latent cache of 12 items'):
        cache[12]


@pytest.mark.parametrize(
    'change',
    [
        dict(model=dict(first_stage_seed=1)),
        dict(dataset=dict(SOURCE, size=11)),
        dict(draws_per_item=2),
        dict(seed=1),
        dict(dtype='float16'),
    ],
)
def test_key_covers_what_the_cache_depends_on(tmp_path, change):
    """Another first stage, data set, number or seed of draws, or type: another folder."""
    change = dict(change)
    model = change.pop('model', {})
    train(tmp_path / 'a', cached(tmp_path))
    train(tmp_path / 'b', cached(tmp_path, **change), model=model)
    assert len(list((tmp_path / 'latents').iterdir())) == 2


def test_interrupted_filling_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """Only missing files are encoded; a store without its marker is never read."""
    train(tmp_path / 'a', cached(tmp_path))
    folder = next((tmp_path / 'latents').iterdir())
    whole = {p.name: p.read_bytes() for p in folder.iterdir()}
    files = sorted(folder.glob('moments_*.npy'))
    assert len(files) == 8  # 36 records, 5 per file
    for path in (folder / 'complete.json', files[3], files[6]):
        path.unlink()
    dead = subprocess.Popen(['true'])
    dead.wait()
    (folder / f'.moments_000003.npy.{dead.pid}.partial').write_bytes(b'half')
    _, calls, _ = train(tmp_path / 'b', cached(tmp_path))
    assert calls == 2 * 2  # five records in batches of three, twice
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == whole


def test_a_run_that_fills_the_same_cache_is_left_alone(tmp_path):
    """What another process is writing stays while it lives."""
    train(tmp_path / 'a', cached(tmp_path))
    folder = next((tmp_path / 'latents').iterdir())
    for name in ('complete.json', 'moments_000002.npy'):
        (folder / name).unlink()
    other = f'.moments_000002.npy.{os.getppid()}@{socket.gethostname()}.partial'
    (folder / other).write_bytes(b'half')
    _, calls, _ = train(tmp_path / 'b', cached(tmp_path))
    assert calls == 2  # one file, in batches of three
    assert (folder / other).read_bytes() == b'half'


def test_readers_keep_few_files_open(tmp_path, monkeypatch):
    """A cache of a large data set has more files than a process may open."""
    monkeypatch.setattr('ddmi_toolkit.engine.latent_store._MAX_OPEN', 3)
    store = LatentStore(tmp_path, StorePlan(20, 2, (6, 4), 'float32'))
    records = torch.arange(40.0)[:, None, None].expand(-1, 6, 4)
    for n in store.missing():
        rows = [index * 2 + draw for index, draw in store.plan.chunk(n)]
        store.write(n, records[rows], [dict(cond=r) for r in rows])
    store.finish()
    before = len(os.listdir('/proc/self/fd'))
    kept = [store.read(i, d) for _ in range(2) for d in range(2) for i in (7, 0, 19, 4, 11, 15)]
    assert len(os.listdir('/proc/self/fd')) - before == 3
    for sample in kept:
        assert torch.equal(sample['moments'], records[sample['cond']])
    assert [s['cond'] for s in kept[:3]] == [14, 0, 38]


def test_changed_code_or_files_are_noticed(tmp_path):
    """A found cache is compared with one fresh encoding."""
    train(tmp_path / 'a', cached(tmp_path))
    path = next((tmp_path / 'latents').glob('*/moments_000000.npy'))
    array = np.load(path)
    np.save(path, array + 0.5)
    with pytest.raises(ValueError, match=r'first record differs by 0.5.*delete the folder'):
        train(tmp_path / 'b', cached(tmp_path))


def test_full_disk_is_noticed_before_filling(tmp_path, monkeypatch):
    """The message has the sizes and the ways out."""
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(OSError, match=r'12 items x 3 draws.*latent_cache=None') as error:
        train(tmp_path / 'a', cached(tmp_path))
    assert '1e-06 GB free' in str(error.value)


def test_empty_cache_says_which_hook_fills_it(tmp_path):
    """A config without the hook does not train on nothing."""
    with pytest.raises(RuntimeError, match='LatentCacheHook'):
        DATASETS.build(cached(tmp_path))[0]


def test_values_too_large_for_the_type_are_refused(tmp_path):
    """Infinities on disk would surface much later, as a NaN loss."""
    store = LatentStore(tmp_path, StorePlan(1, 1, (2, 1), 'float16'))
    with pytest.raises(ValueError, match=r"up to 1e\+06 are not finite in float16.*'float32'"):
        store.write(0, torch.full((1, 2, 1), 1e6), [{}])
    assert store.missing() == [0]
    with pytest.raises(ValueError, match=r'\[0\] have not been written'):
        store.finish()


def test_latent_statistics_are_those_of_many_draws(tmp_path):
    """Exact mean and deviation per channel and plane, cached or not, kept on resuming."""
    hooks, model = [dict(type='LatentStatsHook')], dict(normalize_latents=True)
    runner = runner_for(
        tmp_path / 'a', cached(tmp_path, draws_per_item=1), hooks=hooks, model=model
    )
    runner.train()
    plain = runner_for(
        tmp_path / 'b',
        dict(type='EnumeratedDraws', dataset=dict(SOURCE), draws_per_item=1),
        hooks=hooks,
        model=model,
    )
    plain.train()
    mean, std = runner.model.latent_mean, runner.model.latent_std
    assert torch.allclose(plain.model.latent_mean, mean, atol=1e-6)
    assert torch.allclose(plain.model.latent_std, std, atol=1e-5)
    cache = runner.train_dataloader.dataset
    moments = torch.stack([cache[i]['moments'] for i in range(12)])
    posterior = tiny_latent.DiagonalGaussian(moments.repeat(4000, 1, 1))
    z = posterior.sample(torch.Generator().manual_seed(0))
    for i, part in enumerate(tiny_latent.LAYOUT.split(z).values()):
        flat = part.transpose(0, 1).flatten(1)
        assert torch.allclose(flat.mean(1), mean[0, :, i], atol=0.05 * float(std.max()))
        assert torch.allclose(flat.std(1), std[0, :, i], rtol=0.02)
    saved = load_checkpoint(tmp_path / 'a/iter_20.pth')['state_dict']
    assert torch.equal(saved['latent_mean'], mean)


def test_a_resumed_run_keeps_its_statistics(tmp_path):
    """They are not measured again, on other weights or data."""
    hooks, model = [dict(type='LatentStatsHook')], dict(normalize_latents=True)
    first = runner_for(
        tmp_path, dict(SOURCE), hooks=[*hooks, dict(type='StopAfter', iteration=12)], model=model
    )
    with pytest.raises(KeyboardInterrupt):
        first.train()
    path = tmp_path / 'iter_10.pth'
    content = torch.load(path, weights_only=True)
    content['state_dict']['latent_mean'] += 1
    torch.save(content, path)
    second = runner_for(tmp_path, dict(SOURCE), hooks=hooks, model=model, resume=True)
    second.train()
    assert torch.equal(second.model.latent_mean, content['state_dict']['latent_mean'])


def test_sample_pictures_show_the_averages_and_change_nothing(tmp_path):
    """Losses are the same with and without; pictures lie in the work folder."""
    plain, _, state = train(tmp_path / 'plain', dict(SOURCE))
    visualizer = dict(type='TinyVisualizer', vis_backends=[dict(type='LocalVisBackend')])
    runner = runner_for(
        tmp_path / 'drawn',
        dict(SOURCE),
        hooks=[dict(type='SampleHook', interval=8, seeds=[3, 5])],
        visualizer=visualizer,
    )
    runner.train()
    assert losses_of(runner) == plain
    names = sorted(p.name for p in (tmp_path / 'drawn/samples').iterdir())
    assert names == ['iter_0000008.png', 'iter_0000016.png', 'iter_0000020.png']
    assert list((tmp_path / 'drawn').rglob('vis_image/samples_*.png'))
    model = runner.model
    model.load_state_dict(state['state_dict'])  # the averages
    fields = model(seed=torch.tensor([3, 5]), mode='predict')
    expected = runner.visualizer.draw_fields([f['field'] for f in fields])

    drawn = np.asarray(Image.open(tmp_path / 'drawn/samples/iter_0000020.png'))
    assert np.array_equal(drawn, expected)


def test_visualizer_without_fields_is_refused_early(tmp_path):
    """Not after the first interval."""
    runner = runner_for(tmp_path, dict(SOURCE), hooks=[dict(type='SampleHook', interval=5)])
    with pytest.raises(ValueError, match=r'Visualizer cannot draw fields.*FieldVisualizer'):
        runner.train()
