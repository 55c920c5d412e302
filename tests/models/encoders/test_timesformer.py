"""The encoder of clips: what attends to what, and which plane holds which axes."""

import copy

import pytest
import torch

from ddmi_toolkit.layers.sequence import SequenceAttention
from ddmi_toolkit.models.encoders import TimesformerEncoder
from ddmi_toolkit.models.encoders.timesformer import DividedBlock
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

T, H, W = 4, 8, 12  # the layout of most tests


def layout_of(t=T, h=H, w=W, planes=('xy', 'xt', 'yt'), strided=False, stride=4):
    axes = [dict(name='x', size=w), dict(name='y', size=h), dict(name='t', size=t)]
    axes[2]['strided'] = strided
    return PlaneLayout(axes, planes, latent_stride=stride)


def small(layout=None, **kwargs):
    torch.manual_seed(0)
    config = dict(channels=16, depth=2, num_heads=2, head_channels=8, pool_depth=1)
    return TimesformerEncoder(layout or layout_of(), 5, **(config | kwargs))


def moments(encoder, clips):
    return encoder.layout.split(encoder(clips))


def spread(x, dim):
    """Largest deviation from the mean along a dimension."""
    return (x - x.mean(dim, keepdim=True)).abs().max().item()


@pytest.mark.parametrize('part, dim', [('time', 1), ('space', 2)])
def test_divided_attention_is_full_attention_restricted(part, dim):
    """One attention over all tokens whose mask leaves the same position, or the same frame."""
    torch.manual_seed(0)
    block = DividedBlock(8, 2, 4)
    for other in ('time', 'space'):
        if other != part:
            getattr(block, other).proj.weight.data.zero_()
            getattr(block, other).proj.bias.data.zero_()
    block.feed_forward.fc2.weight.data.zero_()
    block.feed_forward.fc2.bias.data.zero_()
    x = torch.randn(2, 3, 5, 8)  # (B, T, S, C)
    ours = block(x, torch.zeros(3, 4), torch.zeros(5, 4))

    attention: SequenceAttention = getattr(block, part)
    index = torch.stack(torch.meshgrid(torch.arange(3), torch.arange(5), indexing='ij'), -1)
    same = index[..., 2 - dim].flatten()
    mask = same[:, None] == same[None]
    q, k, v = attention.qkv(attention.norm(x.flatten(1, 2))).unflatten(-1, (3, 2, 4)).unbind(2)
    q, k, v = (h.transpose(1, 2) for h in (q, k, v))
    h = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    full = x.flatten(1, 2) + attention.proj(h.transpose(1, 2).flatten(2))
    torch.testing.assert_close(ours, full.view_as(x), atol=1e-6, rtol=1e-5)


def test_blocks_are_shifted_with_the_frames_but_not_permuted():
    """Time is relative: angles that start at another frame change nothing; their order does."""
    encoder = small()
    x, positions = torch.randn(1, T, 6, 16), encoder.positions(2, 3)
    block, angles = encoder.blocks[0], encoder.frames(T + 7)
    before = block(x, angles[:T], positions)
    torch.testing.assert_close(block(x, angles[7:], positions), before, atol=1e-5, rtol=1e-4)
    swapped = block(x[:, [1, 0, 2, 3]], angles[:T], positions)[:, [1, 0, 2, 3]]
    assert (swapped - before).abs().max() > 1e-4


def test_a_still_clip_varies_over_space_only():
    """Equal frames: relative times of equal tokens mix to the same, so rows of t are equal."""
    clip = torch.randn(1, 3, 1, H, W).expand(-1, -1, T, -1, -1)
    planes = moments(small(), clip)
    for plane in ('xt', 'yt'):
        assert spread(planes[plane], 2) < 1e-5  # rows are t
        assert spread(planes[plane], 3) > 1e-3
    assert spread(planes['xy'], 2) > 1e-3


def test_a_clip_of_uniform_frames_varies_over_time_only():
    clip = torch.randn(1, 3, T, 1, 1).expand(-1, -1, -1, H, W)
    planes = moments(small(), clip)
    assert spread(planes['xy'], 2) < 1e-5
    assert spread(planes['xy'], 3) < 1e-5
    for plane in ('xt', 'yt'):
        assert spread(planes[plane], 2) > 1e-3
        assert spread(planes[plane], 3) < 1e-5


@pytest.mark.parametrize('axis, plane', [('x', 'xt'), ('y', 'yt')])
def test_planes_over_time_hold_the_axis_that_they_are_named_after(axis, plane):
    """A pattern along x in every frame shows in the columns of xt and not in those of yt.

    Of the patches alone: attention sees where a frame ends, so columns are not alike for it.
    """
    pattern = torch.randn(1, 3, T, 1, W) if axis == 'x' else torch.randn(1, 3, T, H, 1)
    planes = moments(small(depth=0), pattern.expand(-1, -1, -1, H, W))
    other = {'xt': 'yt', 'yt': 'xt'}[plane]
    assert spread(planes[plane], 3) > 1e-3
    assert spread(planes[other], 3) < 1e-5
    assert spread(planes['xy'], 3 if axis == 'x' else 2) > 1e-3
    assert spread(planes['xy'], 2 if axis == 'x' else 3) < 1e-5


def test_swapped_space_exchanges_what_the_planes_over_time_hold():
    """As the published code names them; with the weights exchanged, the values are too."""
    layout = layout_of(h=8, w=8)
    encoder, swapped = small(layout), small(layout, swap_space=True)
    state = copy.deepcopy(encoder.state_dict())
    for name in encoder.state_dict():
        one = name.replace('.xt.', '.?.').replace('.yt.', '.xt.').replace('.?.', '.yt.')
        state[one] = encoder.state_dict()[name]
    swapped.load_state_dict(state)
    clips = torch.randn(1, 3, T, 8, 8)
    ours, theirs = moments(encoder, clips), moments(swapped, clips)
    assert torch.equal(ours['xt'], theirs['yt'])
    assert torch.equal(ours['yt'], theirs['xt'])
    assert torch.equal(ours['xy'], theirs['xy'])


def test_planes_are_merged_in_the_order_of_the_layout():
    clips, planes = torch.randn(1, 3, T, H, W), ('yt', 'xy', 'xt')
    one, other = small(), small(layout_of(planes=planes))
    other.load_state_dict(one.state_dict())
    torch.testing.assert_close(
        moments(one, clips), {p: moments(other, clips)[p] for p in one.pools}
    )


def test_patches_hold_whole_pixels_of_one_place():
    """Without attention, a pixel reaches its own patch in its own frame and no other token."""
    encoder = small(depth=0)
    clip = torch.randn(1, 3, T, H, W)
    changed = clip.clone()
    changed[0, 1, 2, 5, 9] += 1  # frame 2, patch row 1, patch column 2
    change = (encoder.tokens(changed) - encoder.tokens(clip)).abs().amax(-1)[0]
    assert change.nonzero().tolist() == [[2, 1, 2]]


def test_clips_do_not_see_each_other():
    encoder, clips = small(), torch.randn(3, 3, T, H, W)
    together = encoder(clips)
    for i in range(3):
        one = encoder(clips[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], one, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize('options', [dict(), dict(pool_token='first', pool_depth=2)])
def test_gradients_reach_every_parameter(options):
    encoder = small(**options)
    encoder(torch.randn(2, 3, T, H, W)).square().sum().backward()
    dead = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize(
    'layout, options, message',
    [
        (layout_of(planes=['xy', 'xt']), {}, r"fills the planes \['xy', 'xt', 'yt'\], the layout"),
        (layout_of(t=4, strided=True), {}, r"'t': True}; set strided=False for t alone"),
        (layout_of(), dict(swap_space=True), 'square frames, the layout has 12 columns and 8 rows'),
        (layout_of(), dict(head_channels=6), 'head_channels=6 must be divisible by 4'),
        (layout_of(), dict(pool_token='mean'), "'learned' or 'first', got 'mean'"),
    ],
)
def test_layouts_and_widths_that_do_not_fit_are_named(layout, options, message):
    with pytest.raises(ValueError, match=message):
        small(layout, **options)


@pytest.mark.parametrize('shape', [(1, 3, T, W, H), (1, T, 3, H, W), (3, T, H, W), (1, 3, 2, H, W)])
def test_inputs_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match=r'expected \(B, 3, 4, 8, 12\), channels, frames, rows'):
        small()(torch.zeros(shape))


def test_the_registry_offers_layout_and_channels():
    encoder = MODELS.build(
        dict(type='TimesformerEncoder', channels=8, depth=1, num_heads=1, head_channels=4),
        default_args=dict(layout=layout_of(), out_channels=2),
    )
    assert encoder(torch.zeros(1, 3, T, H, W)).shape == (1, 4, layout_of().num_tokens())
