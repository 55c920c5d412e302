"""The planewise transformer: any planes, conditions, start, invariances."""

import pytest
import torch

from ddmi_toolkit.models.denoisers import PlaneDiT, StackedPlanes
from ddmi_toolkit.structures import PlaneLayout

LAYOUTS = dict(
    line=PlaneLayout([dict(name='t', size=8)], ['t'], 1),
    plane=PlaneLayout([dict(name='x', size=8), dict(name='y', size=4)], ['xy'], 1),
    triplane=PlaneLayout([dict(name=a, size=16) for a in 'xyz'], ['xy', 'yz', 'xz'], 4),
    clip=PlaneLayout(
        [dict(name='x', size=8), dict(name='y', size=8), dict(name='t', size=3, strided=False)],
        ['xy', 'xt', 'yt'],
        2,
    ),
)
CHANNELS = 3
TIMES = torch.tensor([3.0, 400.0])


def fresh(layout: PlaneLayout, **kwargs) -> PlaneDiT:
    sides = {axis: 1 if axis == 't' and layout.dim > 1 else 2 for axis in layout.axes}
    small = dict(patch_size=sides, hidden_channels=24, depth=2, num_heads=3)
    torch.manual_seed(0)
    return PlaneDiT(layout, CHANNELS, **{**small, **kwargs})


def build(layout: PlaneLayout, **kwargs) -> PlaneDiT:
    """A small network with no weight at zero."""
    net = fresh(layout, **kwargs)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.15 * torch.randn(p.shape, generator=generator))
    return net.eval()


def latent(layout: PlaneLayout, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, CHANNELS, layout.num_tokens(), generator=generator)


def tokens(length: int = 3) -> torch.Tensor:
    return torch.randn(2, length, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize('name', LAYOUTS)
def test_gradients_reach_every_parameter_and_both_conditions(name):
    """On lines, planes, equal and unequal planes."""
    net, z = build(LAYOUTS[name], cond_channels=5, context_channels=6), latent(LAYOUTS[name])
    vector, context = torch.ones(2, 5, requires_grad=True), tokens().requires_grad_()
    out = net(z, TIMES, dict(vector=vector, context=context))
    assert out.shape == z.shape
    out.square().mean().backward()
    for key, p in [*net.named_parameters(), ('vector', vector), ('context', context)]:
        assert p.grad is not None, key
        assert p.grad.abs().max() > 1e-9, key


def test_starts_by_predicting_zero_and_learns_from_the_first_step():
    """The last maps start at zero; their gradient does not."""
    layout = LAYOUTS['clip']
    net = fresh(layout)
    out = net(latent(layout), TIMES)
    assert out.abs().max() == 0
    (out - 1).square().mean().backward()
    assert all(linear.weight.grad.abs().max() > 1e-4 for linear in net.unembed)


def test_every_plane_hears_of_every_other():
    """All patches are one sequence."""
    layout = LAYOUTS['clip']
    net, z = build(layout), latent(layout)
    before = layout.split(net(z, TIMES))
    for plane in layout.planes:
        changed = layout.split(z)
        changed[plane] = changed[plane] + 1
        after = layout.split(net(layout.merge(changed), TIMES))
        assert all((after[p] - before[p]).abs().max() > 1e-4 for p in layout.planes)


def test_the_order_of_planes_is_a_convention():
    """A layout that names its planes in another order, with its weights in that order."""
    layout = LAYOUTS['clip']
    net, z = build(layout), latent(layout)
    order = [2, 0, 1]
    names = [layout.planes[i] for i in order]
    other_layout = PlaneLayout(list(layout.axes.values()), names, layout.latent_stride)
    other = fresh(other_layout)
    shared = {k: v for k, v in net.state_dict().items() if 'embed.' not in k or 'time' in k}
    other.load_state_dict(shared, strict=False)
    for ours, theirs in ((other.embed, net.embed), (other.unembed, net.unembed)):
        for i, j in enumerate(order):
            ours[i].load_state_dict(theirs[j].state_dict())
    out = other(other_layout.merge(layout.split(z)), TIMES)
    expected = other_layout.merge(layout.split(net(z, TIMES)))
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)


def test_patches_without_positions_are_a_set():
    """Positions are all that tells the patches of a plane apart."""
    layout = LAYOUTS['line']
    net, z = build(layout), latent(layout)

    def shifted(z):
        return z.roll(2, dims=-1)  # by one patch

    assert (net(shifted(z), TIMES) - shifted(net(z, TIMES))).abs().max() > 1e-3
    net.positions.zero_()
    torch.testing.assert_close(net(shifted(z), TIMES), shifted(net(z, TIMES)))


def test_samples_of_a_batch_are_independent():
    """Each sample is denoised at its own time under its own condition."""
    layout = LAYOUTS['clip']
    net, z = build(layout, cond_channels=5, context_channels=6), latent(layout)
    cond = dict(vector=torch.eye(5)[:2], context=tokens())
    out = net(z, TIMES, cond)
    for i in range(2):
        one = slice(i, i + 1)
        alone = net(z[one], TIMES[one], {k: v[one] for k, v in cond.items()})
        torch.testing.assert_close(alone, out[one], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('pair', [(-1.2, 0.9), (0.3, 0.35), (998.0, 999.0)])
def test_noise_levels_of_any_scale_are_told_apart(pair):
    """Logarithms of sigma, flow times and discrete times."""
    layout = LAYOUTS['plane']
    net, z = build(layout), latent(layout)
    one, two = (net(z, torch.full((2,), t)) for t in pair)
    assert one.isfinite().all()
    assert (one - two).abs().max() > 1e-3
    assert torch.equal(net(z, torch.tensor([7, 7])), net(z, torch.tensor([7.0, 7.0])))


def test_context_is_a_set():
    """Order and repetition of all tokens do not matter; what they say does."""
    layout = LAYOUTS['triplane']
    net, z, context = build(layout, context_channels=6), latent(layout), tokens()
    out = net(z, TIMES, dict(context=context))
    for same in (context.flip(1), context.repeat(1, 4, 1)):
        torch.testing.assert_close(net(z, TIMES, dict(context=same)), out, atol=1e-5, rtol=1e-5)
    other = torch.cat([context[:1], -context[1:]])
    difference = (net(z, TIMES, dict(context=other)) - out).abs().amax((1, 2))
    assert difference[0] < 1e-5
    assert difference[1] > 1e-3


def test_a_null_context_has_no_length():
    """Equal tokens, here zeros, say the same however many there are."""
    layout = LAYOUTS['clip']
    net, z = build(layout, context_channels=6), latent(layout)
    one, many = (net(z, TIMES, dict(context=torch.zeros(2, n, 6))) for n in (1, 77))
    torch.testing.assert_close(one, many, atol=1e-5, rtol=1e-5)


def test_cross_attention_starts_as_nothing_and_adds_parameters_only():
    """With the weights of the unconditional network, whatever the context says."""
    layout = LAYOUTS['clip']
    plain, net, z = build(layout), fresh(layout, context_channels=6), latent(layout)
    missing, unexpected = net.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected
    assert all('cross' in key for key in missing)
    torch.testing.assert_close(net(z, TIMES, dict(context=tokens())), plain(z, TIMES))


def test_weights_do_not_depend_on_the_size_of_the_planes():
    """A network may be continued on latents of another size."""
    small, large = (PlaneLayout([dict(name=a, size=n) for a in 'xy'], ['xy'], 1) for n in (4, 8))
    fresh(large).load_state_dict(build(small).state_dict())


def test_it_is_exact_in_float64():
    """Gradients against finite differences."""
    layout = PlaneLayout([dict(name='t', size=4)], ['t'], 1)
    net = build(layout, hidden_channels=6, depth=1).double()
    z = latent(layout, 1).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: net(z, TIMES[:1].double()), z)


def test_equal_planes_may_be_stacked():
    """The ordinary transformer on the channels of all planes, with a context."""
    layout = LAYOUTS['triplane']
    config = dict(type='PlaneDiT', hidden_channels=24, depth=1, num_heads=3)
    net = StackedPlanes(config, layout, CHANNELS, context_channels=6)
    assert net.denoiser.embed[0].in_features == 3 * CHANNELS * 4
    assert net(latent(layout), TIMES, dict(context=tokens())).shape == latent(layout).shape


@pytest.mark.parametrize(
    ('name', 'kwargs', 'message'),
    [
        ('plane', dict(num_heads=7), 'num_heads=7 does not divide hidden_channels=24'),
        ('plane', dict(depth=0), 'depth=0 must be at least 1'),
        ('clip', dict(patch_size=2), r"'xt' has 3 nodes along 't'.*patch_size=dict\(t="),
        ('clip', dict(hidden_channels=4, num_heads=1), '4 channels are too few for positions'),
    ],
)
def test_settings_that_do_not_fit_are_named(name, kwargs, message):
    """Errors say value, expectation and remedy."""
    with pytest.raises(ValueError, match=message):
        fresh(LAYOUTS[name], **kwargs)


@pytest.mark.parametrize(
    ('kwargs', 'cond', 'message'),
    [
        (dict(), dict(vector=torch.ones(2, 4)), 'PlaneDiT without cond_channels; set it to'),
        (dict(), dict(context=torch.ones(2, 7, 6)), 'PlaneDiT without context_channels'),
        (dict(cond_channels=4), None, r"PlaneDiT with cond_channels=4 needs cond\['vector'\]"),
        (dict(context_channels=6), None, r"needs cond\['context'\] of shape \(B, L, 6\); got none"),
        (dict(context_channels=6), dict(context=torch.ones(2, 6)), r'got \(2, 6\)'),
    ],
)
def test_conditions_that_do_not_fit_are_named(kwargs, cond, message):
    """Demanded where the network was built for them, refused where it was not."""
    layout = LAYOUTS['plane']
    with pytest.raises(ValueError, match=message):
        build(layout, **kwargs)(latent(layout), TIMES, cond)
