"""Read-outs whose weights depend on the scale."""

import math

import pytest
import torch
import torch.nn.functional as F

from ddmi_toolkit.layers.modulated import Style, StyledBlock
from ddmi_toolkit.models.generators import CFCReadout, ConcatReadout, PEEvaluator, ScaleStyle
from ddmi_toolkit.structures import Field, Grid, PlaneLayout, Points

KINDS = [CFCReadout, ConcatReadout]
HEAD = dict(type='StyledHead', out_channels=3)
STYLE = dict(type='ScaleStyle', style_channels=8, embed_channels=8)
LAYOUT = PlaneLayout([dict(name='x', size=8), dict(name='y', size=4)], ['xy'])


def built(cls=CFCReadout, width=8, **kwargs):
    torch.manual_seed(0)
    readout = cls(4, 3, 2, **(dict(head=HEAD, width=width, modulation=STYLE) | kwargs))
    for p in readout.parameters():
        p.data += 0.3 * torch.randn(p.shape)
    return readout.double().eval()


def embeddings(*shape, batch=3, channels=4):
    torch.manual_seed(1)
    return [torch.randn(batch, *(shape or (5,)), channels).double() for _ in range(3)]


def naive_layer(layer, x, style, demodulate=True):
    """Per sample, the weights of the paper's equations; ``x`` holds the constants."""
    out = []
    for sample, vector in zip(x, style, strict=True):
        factors = F.linear(vector, layer.modulation.weight, layer.modulation.bias)
        weight = layer.weight * factors
        if demodulate:
            weight = weight / (weight.square().sum(1, keepdim=True) + 1e-8).sqrt()
        out.append(F.linear(sample, weight, layer.bias))
    return torch.stack(out)


def naive_block(block, x, style, constants=None):
    """The published order of operations, constants as channels of every query."""
    if constants is not None:
        x = torch.cat([x, constants[:, None].expand(-1, x.shape[1], -1)], dim=-1)
    h = x
    for layer in block.layers:
        h = F.leaky_relu(naive_layer(layer, h, style), 0.2) * math.sqrt(2)
    skip = x if block.shortcut is None else F.linear(x, block.shortcut.weight)
    return (h + skip) / math.sqrt(2)


def naive(readout, embeds, scale):
    """The published network of images, written as its description says."""
    mlp = readout.mlp
    style, constants = mlp.modulation(scale, len(embeds[0]))
    h = naive_block(mlp.blocks[0], embeds[0], style, constants)
    for i in (1, 2):
        h = naive_block(mlp.blocks[i], torch.cat([h, embeds[i]], -1), style, constants)
    h = naive_block(mlp.blocks[3], h, style)
    return naive_layer(mlp.head.linear, h, style, demodulate=False)


def test_folded_weights_are_the_published_network():
    readout, embeds = built(), embeddings()
    scale = torch.tensor([1.0, 0.5, 0.7]).double()
    torch.testing.assert_close(readout(embeds, None, scale=scale), naive(readout, embeds, scale))


def test_gradients_are_those_of_the_published_network():
    """Products that are added up in place give the gradients of those that are not."""
    readout, embeds = built(), [e.requires_grad_() for e in embeddings()]
    scale = torch.tensor([1.0, 0.5, 0.7]).double()
    inputs = [*readout.parameters(), *embeds]
    ours, theirs = (
        torch.autograd.grad(out.sin().sum(), inputs)
        for out in (readout(embeds, None, scale=scale), naive(readout, embeds, scale))
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('cls', KINDS)
def test_one_scale_for_all_is_that_scale_for_each(cls):
    readout, embeds = built(cls), embeddings()
    each = readout(embeds, None, scale=torch.full((3,), 0.5).double())
    torch.testing.assert_close(readout(embeds, None, scale=torch.tensor([0.5])), each)
    torch.testing.assert_close(readout(embeds, None, scale=torch.tensor(0.5)), each)


@pytest.mark.parametrize('cls', KINDS)
def test_no_scale_is_scale_one(cls):
    readout, embeds = built(cls), embeddings()
    expected = readout(embeds, None, scale=torch.ones(3).double())
    torch.testing.assert_close(readout(embeds, None), expected)
    assert (readout(embeds, None, scale=torch.full((3,), 0.5)) - expected).abs().max() > 1e-3


def test_scales_outside_the_range_are_its_ends():
    readout = built(modulation=dict(STYLE, scale_range=(0.5, 1.0)))
    embeds = embeddings()
    for far, end in ((0.01, 0.5), (4.0, 1.0)):
        values = [readout(embeds, None, scale=torch.tensor([s])) for s in (far, end)]
        assert torch.equal(*values)
    inner = readout(embeds, None, scale=torch.tensor([0.7]))
    assert (inner - values[0]).abs().max() > 1e-4


@pytest.mark.parametrize('combine', ['concat', 'sum'])
@pytest.mark.parametrize('cls', KINDS)
def test_query_shape_and_memory_order_do_not_matter(cls, combine):
    readout, embeds = built(cls, combine=combine), embeddings(2, 3)
    flat = readout([e.flatten(1, 2) for e in embeds], None)
    channels_first = [e.movedim(-1, 1).contiguous().movedim(1, -1) for e in embeds]
    torch.testing.assert_close(readout(embeds, None), flat.unflatten(1, (2, 3)))
    torch.testing.assert_close(readout(channels_first, None), flat.unflatten(1, (2, 3)))


@pytest.mark.parametrize('combine', ['concat', 'sum'])
@pytest.mark.parametrize('cls', KINDS)
def test_gradients_reach_every_parameter(cls, combine):
    torch.manual_seed(0)
    readout = cls(
        4, 3, 2, head=HEAD, width=8, modulation=STYLE, combine=combine, coordinates='linear'
    )
    embeds = [e.float().requires_grad_() for e in embeddings()]
    coords = torch.rand(3, 5, 2)
    readout(embeds, coords, scale=torch.tensor([1.0, 0.5, 0.7])).square().sum().backward()
    dead = [n for n, p in readout.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
    assert all(e.grad.any() for e in embeds)


@pytest.mark.parametrize('width', [32, 256])
@pytest.mark.parametrize('cls', KINDS)
def test_signals_start_at_the_size_of_the_embeddings(cls, width):
    torch.manual_seed(0)
    style = dict(type='ScaleStyle', style_channels=width, embed_channels=width // 4)
    readout = cls(64, 3, 2, head=dict(HEAD, out_channels=32), width=width, modulation=style)
    sizes = []
    for block in readout.mlp.blocks:
        block.register_forward_hook(lambda module, args, out: sizes.append(out.std().item()))
    with torch.no_grad():
        out = readout([e.float() for e in embeddings(500, batch=1, channels=64)], None)
    assert all(1 / 3 < s < 3 for s in [*sizes, out.std().item()])


def field(batch=3, scale_range=None, **kwargs):
    torch.manual_seed(0)
    readout = dict(type='CFCReadout', width=16, head=HEAD, modulation=STYLE, **kwargs)
    evaluator = PEEvaluator(LAYOUT.config, 'sum', readout, 3, 4).eval().requires_grad_(False)
    shapes = [LAYOUT.shape('xy', s) for s in (4, 2, 1)]
    state = {f'level{i}.xy': torch.randn(batch, 4, *s) for i, s in enumerate(shapes)}
    return Field(evaluator, state, LAYOUT, 3)


def close(a, b, bound):
    torch.testing.assert_close(a, b, atol=bound * b.abs().max().item(), rtol=0)


@pytest.mark.parametrize('max_queries', [1, 7, 50])
def test_values_do_not_depend_on_chunks_or_batch(max_queries):
    whole_field, scale = field(), torch.tensor([1.0, 0.5, 0.7])
    axes = dict(y=torch.linspace(-1, 1, 9), x=torch.linspace(-1, 1, 11))
    grid = Grid({k: v.expand(3, -1) for k, v in axes.items()}, LAYOUT)
    whole = whole_field(grid, scale=scale)
    close(whole_field.chunked(grid, max_queries, scale=scale), whole, 1e-6)
    points = Points(grid.dense().flatten(1, 2), LAYOUT)
    close(whole_field(points, scale=scale).unflatten(1, (9, 11)), whole, 1e-6)
    for i in range(3):
        one = Grid({k: v[None] for k, v in axes.items()}, LAYOUT)
        close(whole_field[i](one, scale=scale[i : i + 1]), whole[i : i + 1], 1e-5)


def test_noise_is_drawn_in_training_only():
    torch.manual_seed(0)
    block = StyledBlock(4, 4, 2, noise='training')
    style, x = Style(torch.ones(1, 2), torch.ones(1, 0)), [torch.randn(2, 5, 4)]
    with torch.no_grad():
        quiet = block(x, style)
        block.noise.fill_(0.5)
        assert not torch.equal(block(x, style), block(x, style))
        assert torch.equal(block.eval()(x, style), quiet)
    block.train()(x, style).sum().backward()
    assert block.noise.grad.ne(0).all()


def test_noise_of_a_layer_is_its_gain_times_normal_numbers():
    """Before the activation, whose slope is 1 where the bias is large."""
    torch.manual_seed(0)
    block = StyledBlock(4, 4, 2, noise='training')
    style, x = Style(torch.ones(1, 2), torch.ones(1, 0)), [torch.zeros(1, 20000, 4)]
    with torch.no_grad():
        block.noise[2] = 0.5
        block.layers[2].bias.fill_(100.0)
        out = block(x, style)
    assert (out - out[..., :1]).abs().max() < 1e-4  # the same for all channels of a query
    assert out[..., 0].std().item() == pytest.approx(0.5, rel=0.03)


def test_weights_stay_in_full_precision_under_autocast():
    block, x = StyledBlock(4, 8, 2, num_constants=1), [torch.randn(2, 5, 4)]
    style = Style(torch.randn(2, 2), torch.ones(2, 1))
    exact = [w.clone() for w in block.layers[0].fold(style)]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert all(map(torch.equal, block.layers[0].fold(style), exact))
        out = block(x, style)
    torch.testing.assert_close(out.float(), block(x, style), atol=0.1, rtol=0.05)


def test_read_outs_train_under_autocast():
    """Parts of any precision: lookups stay in float32 while products are in bfloat16."""
    readout, embeds = built().float().train(), [e.float() for e in embeddings()]
    exact = readout(embeds, None)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = readout(embeds, None)
    out.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in readout.parameters())
    error = (out.float() - exact).abs().max()
    assert error < 0.05 * exact.abs().max()


def test_errors_name_value_and_remedy():
    with pytest.raises(ValueError, match=r"block 'StyledBlock' needs a style.*modulation=dict"):
        built(modulation=None, block=dict(type='StyledBlock'), head=dict(HEAD, type='LinearHead'))
    with pytest.raises(TypeError, match="'StyledHead' needs 'style_channels'"):
        built(modulation=None)
    with pytest.raises(TypeError, match=r"'ResidualLinear' is .* expected AbstractStyledBlock"):
        built(block=dict(type='ResidualLinear'))
    with pytest.raises(ValueError, match=r'scale of shape \(2,\) for a batch of 3: expected \(3,'):
        built()(embeddings(), None, scale=torch.ones(2))
    with pytest.raises(ValueError, match=r'scale_range must be .* got \(1.0, 0.5\)'):
        ScaleStyle(scale_range=(1.0, 0.5))
    with pytest.raises(ValueError, match='embed_channels must be even and at least 4, got 5'):
        ScaleStyle(embed_channels=5)
    with pytest.raises(ValueError, match="noise must be 'none' or 'training', got 'always'"):
        StyledBlock(4, 4, 2, noise='always')


def test_plain_heads_serve_modulated_read_outs():
    readout = built(head=dict(type='LinearHead', out_channels=2))
    assert readout(embeddings(), None).shape == (3, 5, 2)
