"""The game between the autoencoder and a discriminator, as training plays it."""

import copy
import math

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.apis import load_config, train
from ddmi_toolkit.engine import AdversarialOptimWrapperConstructor
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.utils import find_checkpoint, load_checkpoint

GAME = dict(patch=dict(type='PatchAdversarialLoss', base_channels=8, num_layers=2))
OPTIMIZERS = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3),
    discriminator=dict(optimizer=dict(type='SGD', lr=1e-2)),
)


def model(adversarial=GAME):
    config = load_config('d2c_vae/procedural_image.py').model
    torch.manual_seed(0)
    return MODELS.build({**copy.deepcopy(config), 'adversarial': adversarial})


def batch():
    g = torch.Generator().manual_seed(0)
    centers = (torch.arange(32) + 0.5) / 16 - 1
    return dict(
        inputs=torch.rand(2, 3, 32, 32, generator=g) * 2 - 1,
        query=dict(y=centers.expand(2, -1), x=centers.expand(2, -1), scale=torch.ones(2)),
        target=torch.rand(2, 32, 32, 3, generator=g) * 2 - 1,
        seed=torch.tensor([3, 4]),
    )


def optimizers(net, **changes):
    return AdversarialOptimWrapperConstructor({**OPTIMIZERS, **changes})(net)


def test_each_side_descends_its_own_loss():
    """A step is one gradient step of either loss; the discriminator meets the old prediction."""
    net, reference = model(), model()
    log = net.train_step(batch(), optimizers(net))
    losses, pred = reference(**batch(), mode='loss_and_pred')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    ours = dict(net.named_parameters())
    for name, p in reference.named_parameters():
        if not name.startswith('adversarial'):
            torch.testing.assert_close(ours[name], p - 1e-3 * p.grad, atol=1e-7, rtol=1e-5)
    game = reference.adversarial['patch']
    game.zero_grad()
    loss = game.discriminator_loss(pred, batch()['target'], batch()['query'])
    loss.backward()
    for name, p in game.named_parameters():
        expected = p - 1e-2 * p.grad
        torch.testing.assert_close(
            ours[f'adversarial.patch.{name}'], expected, rtol=1e-5, atol=1e-7
        )
    assert log['loss_patch_discriminator'].item() == pytest.approx(loss.item(), rel=1e-5)


def test_a_resting_game_changes_nothing():
    """With weight 0 the autoencoder trains as without, and the discriminator stays as it is."""
    net, plain = model(), model(adversarial=None)
    net.load_state_dict(plain.state_dict(), strict=False)
    net.adversarial['patch'].weight = 0.0
    before = copy.deepcopy(net.adversarial.state_dict())
    log = net.train_step(batch(), optimizers(net))
    single = optimizers(model())['autoencoder']  # of the same type
    single.optimizer.param_groups[0]['params'] = list(plain.parameters())
    plain.train_step(batch(), single)
    for name, p in plain.named_parameters():
        assert torch.equal(p, net.get_parameter(name)), name
    assert all(torch.equal(v, before[k]) for k, v in net.adversarial.state_dict().items())
    assert not any('patch' in key for key in log)


def test_accumulated_gradients_equal_those_of_one_batch():
    """Two halves of a batch in two iterations, for both sides, in float64."""
    whole, halves = model().double(), model().double()
    data = {k: v.double() for k, v in batch().items() if k not in ('query', 'seed')}
    query = {k: v.double() for k, v in batch()['query'].items()}
    whole.train_step(dict(data, query=query, seed=batch()['seed']), optimizers(whole))
    wrapper = optimizers(halves, accumulative_counts=2)
    for part in (slice(0, 1), slice(1, 2)):
        half = {k: v[part] for k, v in data.items()}
        half |= dict(query={k: v[part] for k, v in query.items()}, seed=batch()['seed'][part])
        halves.train_step(half, wrapper)
    for name, p in whole.named_parameters():
        torch.testing.assert_close(halves.get_parameter(name), p, atol=1e-13, rtol=1e-9)


def test_a_killed_run_resumes_bit_for_bit(tmp_path):
    """Both optimizers and the batch norms continue: 4 iterations equal 2 and a resumption."""

    def config(folder, max_iters):
        options = {
            'train_cfg.max_iters': max_iters,
            'custom_hooks': [],
            'param_scheduler': [],
            'model.adversarial.patch.base_channels': 8,
            'model.adversarial.patch.num_layers': 2,
        }
        return shrink('d2c_vae/afhqv2_cat_gan.py', tmp_path / folder, **options)

    class Stopped(Exception):
        """Stands for a kill."""

    straight = load_checkpoint(train(config('straight', 4)))
    cfg = config('killed', 4)
    original = type(model()).train_step
    calls = []

    def stop(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise Stopped
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model()), 'train_step', stop)
        with pytest.raises(Stopped):
            train(cfg)
    assert find_checkpoint(cfg.work_dir).name == 'iter_3.pth'
    resumed = load_checkpoint(train(cfg))
    for key, value in straight['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][key]), key
    assert straight['optimizer'].keys() == {'autoencoder', 'discriminator'}
    logged = straight['message_hub']['log_scalars']['train/loss_patch_discriminator']['log']
    assert len(logged) == 4
    assert all(math.isfinite(float(v)) for v in logged)


@pytest.mark.parametrize(
    ('adversarial', 'has_two', 'message'),
    [(GAME, False, 'one optimizer.*AdversarialOptim'), (None, True, 'two optimizers')],
)
def test_optimizers_that_do_not_fit_are_named(adversarial, has_two, message):
    wrapper = optimizers(model())
    net = model(adversarial)
    with pytest.raises(TypeError, match=message):
        net.train_step(batch(), wrapper if has_two else wrapper['autoencoder'])


def test_a_model_without_discriminators_is_named():
    with pytest.raises(ValueError, match='D2CVAE has no discriminator; set model'):
        optimizers(model(adversarial=None))
