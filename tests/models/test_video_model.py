"""Models of clips: the base configs, and what holds for the fields that they make."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

BASES = Path(__file__).parents[2] / 'configs/_base_'
SIZES = dict(x=24, y=16, t=4)
PEAK = """
import re
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

cfg = Config.fromfile(sys.argv[1]).model
layout = PlaneLayout(**cfg.layout)
offers = dict(layout=layout, in_channels=cfg.latent_channels)
generator = MODELS.build(cfg.generator.to_dict(), default_args=offers).eval().requires_grad_(False)
z = torch.randn(1, cfg.latent_channels, layout.num_tokens())


def peak():
    # of this process alone: getrusage would count what started it
    text = Path('/proc/self/status').read_text()
    return int(re.search(r'VmHWM:\\s+(\\d+) kB', text)[1]) / 2**20


before = peak()
clip = generator(z).render((16, 256, 256))
assert clip.shape == (1, 16, 256, 256, 3)
print(peak() - before)
"""


def small_config(stride=4):
    """The small base at other sizes, which is all that a leaf needs to change."""
    config = Config.fromfile(BASES / 'models/d2c_vae_video_small.py').model.to_dict()
    for axis in config['layout']['axes']:
        axis['size'] = SIZES[axis['name']]
    config['layout']['latent_stride'] = stride
    return config


def small_model():
    torch.manual_seed(0)
    return MODELS.build(small_config())


@pytest.fixture(scope='module')
def field():
    """Two clips of random weights."""
    model = small_model().eval().requires_grad_(False)
    for p in model.parameters():
        p.data += 0.02 * torch.randn(p.shape)
    return model.decode(torch.randn(2, *model.latent_shape))


def test_sizes_follow_from_the_layout(field):
    """Tokens, planes and clips of a base whose axes alone were changed."""
    shapes = {name: tuple(x.shape[2:]) for name, x in field.state.items()}
    assert shapes['level0.xy'] == (4, 6)
    assert shapes['level2.xy'] == (16, 24)
    assert shapes['level1.xt'] == (4, 12)
    assert shapes['level1.yt'] == (4, 8)
    assert small_model().latent_shape == (16, 4 * 6 + 4 * 6 + 4 * 4)
    assert field.render((4, 16, 24)).shape == (2, 4, 16, 24, 3)


def test_a_frame_alone_is_that_frame_of_the_clip(field):
    clip = field.render((4, 16, 24))
    for k in range(4):
        low, high = k / 2 - 1, (k + 1) / 2 - 1
        frame = field.render((1, 16, 24), (-1, -1, low, 1, 1, high))
        torch.testing.assert_close(frame[:, 0], clip[:, k], atol=1e-6, rtol=1e-5)
    assert (clip[:, 1] - clip[:, 2]).abs().max() > 1e-2


def test_a_clip_of_three_times_the_frames_holds_the_frames(field):
    """Every third one, from the second on, is at the center of a frame."""
    clip, fine = field.render((4, 16, 24)), field.render((12, 16, 24))
    torch.testing.assert_close(fine[:, 1::3], clip, atol=1e-5, rtol=1e-4)
    assert (fine[:, 0::3] - clip).abs().max() > 1e-3


def test_reversed_times_are_the_reversed_clip(field):
    axes = {a: field.layout.nodes(a).expand(2, -1) for a in 'tyx'}
    model = small_model()
    forth = model.render(field, axes)
    back = model.render(field, axes | dict(t=axes['t'].flip(-1)))
    assert torch.equal(back, forth.flip(1))
    looped = model.render(field, axes | dict(t=axes['t'][:, [0, 1, 2, 3, 0, 1]]))
    torch.testing.assert_close(looped[:, 4:], forth[:, :2], atol=1e-6, rtol=1e-5)


def test_gradients_reach_every_parameter_and_a_still_clip_is_learned():
    """Colors that differ along x and y, in 16 steps: no axis is mistaken for another."""
    model = small_model()
    layout = model.layout
    query = {a: layout.nodes(a).expand(1, -1) for a in 'tyx'}
    x, y = query['x'][0], query['y'][0]
    picture = torch.stack([x.expand(16, -1), y[:, None].expand(-1, 24), x.expand(16, -1) * 0], -1)
    target = picture.expand(1, 4, -1, -1, -1)
    batch = dict(inputs=target.movedim(-1, 1), query=query, target=target)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    history = []
    for step in range(16):
        losses = model(**batch, seed=torch.tensor([step]), mode='loss')
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        if step == 1:  # some layers begin at zero
            dead = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
            assert dead == []
        optimizer.step()
        history.append(losses['loss_recon'].item())
    assert history[-1] < 0.6 * history[0]


def test_the_small_base_has_at_most_a_million_and_a_half_parameters():
    assert sum(p.numel() for p in small_model().parameters()) < 1.5e6


def mixed_levels(mix=None):
    cfg = Config.fromfile(BASES / 'models/d2c_vae_video.py').model.to_dict()
    decoder = cfg['generator']['decoder']
    decoder['mix'] = mix or decoder['mix']
    layout = PlaneLayout(**cfg['layout'])
    with torch.device('meta'):
        built = MODELS.build(decoder, default_args=dict(layout=layout, in_channels=64))
    levels = {layout.shape('xy', int(s)): level for s, level in built.levels.items()}
    return [n for n, level in levels.items() if not isinstance(level['mix'], nn.Identity)]


def test_the_published_widths_mix_up_to_64_and_can_mix_everywhere():
    assert mixed_levels() == [(32, 32), (64, 64)]
    published = dict(type='token', num_heads=8, wide_heads=True)
    assert mixed_levels(published) == [(n, n) for n in (32, 64, 128, 256)]


def test_mixing_where_there_is_no_level_is_an_error():
    with pytest.raises(ValueError, match=r'strides=\(8, 4\), of which \[8\] are no levels'):
        config = small_config()
        config['generator']['decoder']['mix']['strides'] = (8, 4)
        MODELS.build(config)


def test_denoisers_of_clips_fit_the_latents_and_name_times_that_do_not():
    """Time is halved as space is, so its size must be even at every level."""
    config = Config.fromfile(BASES / 'denoisers/plane_unet_video_small.py').denoiser.to_dict()
    axes = [dict(name=a, size=16) for a in 'xy'] + [dict(name='t', size=4, strided=False)]
    layout = PlaneLayout(axes, ['xy', 'xt', 'yt'], latent_stride=4)
    net = MODELS.build(config, default_args=dict(layout=layout, channels=2))
    z = torch.randn(1, 2, layout.num_tokens())
    assert net(z, torch.tensor([500.0])).shape == z.shape
    for t in (15, 6):
        axes[2]['size'] = t
        odd = PlaneLayout(axes, ['xy', 'xt', 'yt'], latent_stride=4)
        with pytest.raises(ValueError, match=f"'xt' has {t} nodes along 't'.*a multiple of 4"):
            MODELS.build(config, default_args=dict(layout=odd, channels=2))


@pytest.mark.slow
@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='reads the peak from /proc')
def test_a_clip_of_the_published_size_is_decoded_in_two_gigabytes():
    """Beside the weights, from the latent to 16 x 256 x 256 colors; 40 to 100 s on a core."""
    config = BASES / 'models/d2c_vae_video.py'
    out = subprocess.run(
        [sys.executable, '-c', PEAK, str(config)], capture_output=True, text=True, check=True
    )
    assert float(out.stdout) < 2.0
