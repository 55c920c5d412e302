"""A classifier of occupancy grids: what it sees, what it learns from, what it refuses."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.models.classifiers import FieldClassifier
from ddmi_toolkit.models.classifiers.field_classifier import _blocks_to_channels
from ddmi_toolkit.structures import Field, PlaneLayout

QUESTIONS = dict(
    side=dict(left=dict(side='left'), right=dict(side='right')),
    size=dict(small=dict(size=1), big=dict(size=2), huge=dict(size=3)),
)
LAYOUT = PlaneLayout(
    [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'], ['xy', 'yz', 'xz']
)


def classifier(**options):
    """A tiny one."""
    torch.manual_seed(0)
    return FieldClassifier(QUESTIONS, **{**dict(resolution=8, base_channels=8), **options})


class _HalfSpace(nn.Module):
    """Inside where a coordinate exceeds the state."""

    def __init__(self, axis):
        super().__init__()
        self.axis = axis

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()[..., self.axis]
        return (x - state['level'].view(-1, *[1] * (x.ndim - 1)))[..., None]


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_a_grid_holds_the_field_at_the_centers_of_cells(axis):
    """Axes are x, y, z, from low to high; the threshold moves the surface."""
    field = Field(_HalfSpace(axis), dict(level=torch.tensor([0.0, 0.3])), LAYOUT, 1)
    grid = classifier().grid(field).movedim(axis + 1, -1)  # (B, 8, 8, 8)
    centers = (torch.arange(8) + 0.5) / 8 * 1.1 - 0.55
    for i, level in enumerate((0.0, 0.3)):
        assert torch.equal(grid[i], (centers > level).expand(8, 8, 8))
    higher = classifier().grid(field, threshold=0.55).movedim(axis + 1, -1)
    assert torch.equal(higher[0], (centers > 0.2007).expand(8, 8, 8))


def test_a_grid_needs_occupancy():
    """The message says what the field is."""
    field = Field(_HalfSpace(0), dict(level=torch.zeros(1)), LAYOUT, 4)
    with pytest.raises(ValueError, match="has 4 channels over 'xyz'"):
        classifier().grid(field)


def test_blocks_become_channels():
    """Cell (i, j, k) is channel (i % 2, j % 2, k % 2) at (i // 2, j // 2, k // 2)."""
    grid = torch.arange(64.0).reshape(1, 4, 4, 4)
    found = _blocks_to_channels(grid)
    for i, j, k in [(0, 0, 0), (1, 2, 3), (3, 0, 1)]:
        channel = 4 * (i % 2) + 2 * (j % 2) + k % 2
        assert found[0, channel, i // 2, j // 2, k // 2] == grid[0, i, j, k]


def test_what_nobody_answers_has_no_loss_and_others_do_not_change():
    """Unknown facts of a question leave it out, sample by sample."""
    model = classifier().eval()
    grid = torch.rand(4, 8, 8, 8) > 0.5
    both = dict(side=['left', 'right', 'left', 'right'], size=torch.tensor([1, 2, 3, 1]))
    full = model(grid, both)
    half = model(grid, dict(side=both['side'], size=torch.tensor([9, 9, 9, 9])))
    assert half['loss_size'] == 0
    assert torch.equal(half['loss_side'], full['loss_side'])
    some = model(grid, dict(side=['left', 'right', 'up', 'up']))
    first = model(grid[:2], dict(side=['left', 'right']))
    assert torch.allclose(some['loss_side'], first['loss_side'], atol=1e-6)


def test_a_shape_is_judged_by_itself():
    """The rest of the batch does not matter."""
    model = classifier().eval()
    grid = torch.rand(3, 8, 8, 8) > 0.5
    whole = model(grid, mode='predict')
    for i in range(3):
        alone = model(grid[i : i + 1], mode='predict')[0]
        for name in QUESTIONS:
            assert torch.allclose(alone['scores'][name], whole[i]['scores'][name], atol=1e-5)
            assert alone['scores'][name].sum().item() == pytest.approx(1)
        assert alone['truth'] == dict(side=-1, size=-1)


def test_it_learns_on_which_side_a_shape_is():
    """A few steps separate left from right."""
    model = classifier(dropout=0.0)
    grid = torch.zeros(8, 8, 8, 8)
    grid[:4, :4], grid[4:, 4:] = 1, 1
    meta = dict(side=['left'] * 4 + ['right'] * 4)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(8):
        losses = model(grid, meta)
        optimizer.zero_grad()
        losses['loss_side'].backward()
        optimizer.step()
    assert model(grid, meta)['accuracy_side'] == 1


def test_every_parameter_has_a_gradient():
    """Distributed training expects one, also of a question that is not asked."""
    model = classifier()
    losses = model(torch.rand(2, 8, 8, 8), dict(side=['left', 'right']))
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(resolution=12), 'resolution=12 must be a multiple of 8'),
        (dict(headline=['color']), r"headline has \['color'\]; the questions are"),
    ],
)
def test_bad_arguments_are_named(options, message):
    """Before anything is trained."""
    with pytest.raises(ValueError, match=message):
        classifier(**options)


def test_nothing_to_ask_is_an_error():
    """A model without questions cannot be trained."""
    with pytest.raises(ValueError, match='questions is empty'):
        FieldClassifier({})


def test_bad_batches_are_named():
    """Another resolution, and shapes of which nothing is known."""
    model = classifier()
    with pytest.raises(ValueError, match=r'occupancy of shape \(2, 4, 4, 4\)'):
        model(torch.zeros(2, 4, 4, 4), dict(side=['left', 'left']))
    with pytest.raises(
        ValueError, match=r"has \['name'\], which answers none .* \['side', 'size'\]"
    ):
        model(torch.zeros(2, 8, 8, 8), dict(name=['a', 'b']))
