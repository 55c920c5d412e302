"""Read-out networks: coarse-to-fine conditioning and its baseline."""

import pytest
import torch
import torch.nn.functional as F

from ddmi_toolkit.models.generators import CFCReadout, ConcatReadout
from ddmi_toolkit.registry import MODELS

HEAD = dict(type='LinearHead', out_channels=2)
KINDS = [CFCReadout, ConcatReadout]


def small(cls, **kwargs):
    torch.manual_seed(0)
    readout = cls(4, 3, 2, head=HEAD, **(dict(width=8) | kwargs)).double()
    for p in readout.parameters():
        p.data += 0.3 * torch.randn(p.shape)
    return readout


def inputs():
    torch.manual_seed(1)
    return [torch.randn(2, 5, 4).double() for _ in range(3)], torch.rand(2, 5, 2).double()


def published_mlp(state, embeddings, coords):
    """The published read-out of shapes, written as formulas of its weights."""

    def block(i, x):
        w = {k: state[f'mlp.blocks.{i}.{k}'] for k in ('fc1.weight', 'fc1.bias', 'fc2.weight')}
        h = F.relu(F.linear(F.relu(x), w['fc1.weight'], w['fc1.bias']))
        h = F.linear(h, w['fc2.weight'], state[f'mlp.blocks.{i}.fc2.bias'])
        shortcut = state.get(f'mlp.blocks.{i}.shortcut.weight')
        return h + (x if shortcut is None else F.linear(x, shortcut))

    linear = 'mlp.coordinates.linear'
    h = F.linear(coords, state[f'{linear}.weight'], state[f'{linear}.bias'])
    h = h + block(0, embeddings[0])
    h = block(1, torch.cat([h, embeddings[1]], dim=-1))
    h = block(3, block(2, torch.cat([h, embeddings[2]], dim=-1)))
    return F.linear(h, state['mlp.head.linear.weight'], state['mlp.head.linear.bias'])


def test_cfc_readout_is_the_published_network():
    readout, (embeddings, coords) = small(CFCReadout, coordinates='linear'), inputs()
    expected = published_mlp(readout.state_dict(), embeddings, coords)
    torch.testing.assert_close(readout(embeddings, coords), expected)


@pytest.mark.parametrize('combine', ['concat', 'sum'])
def test_the_scale_enters_at_its_own_block(combine):
    """What a block sees depends on the embeddings up to its scale, and on no finer one."""
    readout, (embeddings, _) = small(CFCReadout, combine=combine), inputs()
    seen = []
    for block in readout.mlp.blocks:
        block.register_forward_hook(lambda module, args, out: seen.append(out))
    readout(embeddings, None)
    before = seen.copy()
    for level in range(3):
        seen.clear()
        readout([e + 1 if i == level else e for i, e in enumerate(embeddings)], None)
        same = [torch.equal(a, b) for a, b in zip(before, seen, strict=True)]
        assert same == [i < level for i in range(4)]


@pytest.mark.parametrize('combine', ['concat', 'sum'])
def test_the_baseline_sees_all_scales_at_the_first_block(combine):
    readout, (embeddings, _) = small(ConcatReadout, combine=combine), inputs()
    seen = []
    readout.mlp.blocks[0].register_forward_hook(lambda module, args, out: seen.append(out))
    for level in range(3):
        readout([e + 1 if i == level else e for i, e in enumerate(embeddings)], None)
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_both_have_the_same_depth_and_arguments():
    a, b = small(CFCReadout), small(ConcatReadout)
    assert len(a.mlp.blocks) == len(b.mlp.blocks) == 4


@pytest.mark.parametrize('cls', KINDS)
@pytest.mark.parametrize('coordinates', ['none', 'linear', 'fourier'])
def test_coordinates_are_read_only_if_asked_for(cls, coordinates):
    readout, (embeddings, coords) = small(cls, coordinates=coordinates), inputs()
    assert readout.uses_coords == (coordinates != 'none')
    if readout.uses_coords:
        moved = readout(embeddings, coords + 0.1)
        assert not torch.equal(readout(embeddings, coords), moved)
    else:
        assert torch.equal(readout(embeddings, coords), readout(embeddings, None))


@pytest.mark.parametrize('cls', KINDS)
def test_values_of_a_query_depend_on_that_query_alone(cls):
    readout, (embeddings, _) = small(cls), inputs()
    whole = readout(embeddings, None)
    part = readout([e[:, 1:3] for e in embeddings], None)
    torch.testing.assert_close(whole[:, 1:3], part)


def test_errors_name_value_and_choice():
    with pytest.raises(ValueError, match="combine must be 'concat' or 'sum', got 'add'"):
        small(CFCReadout, combine='add')
    with pytest.raises(ValueError, match="'none', 'linear' or 'fourier', got 'raw'"):
        small(CFCReadout, coordinates='raw')
    with pytest.raises(TypeError, match='AbstractHead'):
        small(CFCReadout, width=8, block=None) and CFCReadout(
            4, 3, 2, head=dict(type='ResidualLinear', out_channels=2)
        )


def test_a_block_of_ones_own_is_built_with_its_channels():
    built = []

    class Recorder(torch.nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            built.append((in_channels, out_channels))
            self.linear = torch.nn.Linear(in_channels, out_channels)

        def forward(self, x):
            return self.linear(x)

    MODELS.register_module(module=Recorder, force=True)
    CFCReadout(4, 2, 2, head=HEAD, width=8, block=dict(type='Recorder'))
    assert built == [(4, 8), (12, 8), (8, 8)]
    MODELS.module_dict.pop('Recorder')
