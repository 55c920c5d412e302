"""Spectra of analytic basis fields are known."""

from math import pi

import pytest
import torch

from ddmi_toolkit.evaluation.basis_spectra import (
    Spectrum,
    coarse_spacing,
    cosine_power,
    node_spacing,
    raster_spectrum,
    relative_frequencies,
    scale_spectra,
    shell_width,
)
from ddmi_toolkit.structures import Field, PlaneLayout, basis_key

COARSE = (8, 6)
FINE = (32, 24)


def plane_wave(shape, cycles, phase=0.0):
    """``cos(2 pi f_y y + p) cos(2 pi f_x x + p)`` at cell centers of the unit box, (1, 1, r, c)."""
    lines = [
        torch.cos(2 * pi * f * (torch.arange(n, dtype=torch.float64) + 0.5) / n + phase)
        for n, f in zip(shape, cycles, strict=True)
    ]
    return (lines[0][:, None] * lines[1])[None, None]


def spectrum(values, coarse=COARSE, align_corners=False):
    shape = values.shape[2:]
    return Spectrum.of(
        [values], [node_spacing(shape, align_corners)], [node_spacing(coarse, align_corners)]
    )


@pytest.mark.parametrize('shape', [COARSE, (16, 12), FINE])
@pytest.mark.parametrize('cycles', [(1, 0), (0, 2.5), (2, 1), (3.5, 2.5)])
def test_plane_wave_has_all_energy_at_its_frequency_on_planes_of_any_size(shape, cycles):
    """Cycles per box over the coarse Nyquist frequency of 4 and 3 cycles per box."""
    found = spectrum(plane_wave(shape, cycles))
    u = torch.tensor([cycles[0] / 4, cycles[1] / 3], dtype=torch.float64).norm()
    at = (found.frequency - u).abs() < 1e-12
    assert found.energy[:, at].sum() / found.energy.sum() == pytest.approx(1, abs=1e-12)
    assert found.share_above(u - 1e-3) == pytest.approx(1)
    assert found.share_above(float(u)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('phase', [0.3, pi / 4, pi / 2])
def test_waves_of_any_phase_stay_near_their_frequency(phase):
    """Mirrored at the border they have a kink, no jump."""
    found = spectrum(plane_wave((64, 64), (0, 6), phase), coarse=(16, 16))
    one_cycle = 1 / 8
    near = (found.frequency - 6 / 8).abs() <= one_cycle + 1e-9
    assert found.energy[:, near].sum() / found.variance > 0.8
    assert found.share_above(2 * 6 / 8) < 0.01


def test_smooth_planes_have_no_high_frequencies():
    """A ramp that a Fourier transform would take for a jump."""
    ramp = torch.linspace(-1, 1, 32, dtype=torch.float64).expand(1, 1, 32, 32)
    fourier = torch.fft.fft2(ramp).abs().square()[0, 0]
    cycles = torch.fft.fftfreq(32, dtype=torch.float64) * 32
    radius = (cycles[:, None].square() + cycles.square()).sqrt()
    periodic = fourier[radius > 2].sum() / fourier[radius > 0].sum()
    assert periodic > 0.2
    assert spectrum(ramp, coarse=(8, 8)).share_above(0.5) < 0.003
    assert spectrum(100 + ramp, coarse=(8, 8)).share_above(0.5) < 0.003


@pytest.mark.parametrize('shape', [(7,), (1, 9), FINE, (3, 4, 5)])
def test_parseval(shape):
    values = torch.randn(2, 3, *shape, dtype=torch.float64)
    power = cosine_power(values)
    assert power.shape == (2, *shape)
    mean_square = values.square().sum(1).flatten(1).mean(1)
    torch.testing.assert_close(power.flatten(1).sum(1), mean_square)
    variance = values.flatten(2).var(-1, correction=0).sum(1)
    torch.testing.assert_close(power.flatten(1).sum(1) - power.flatten(1)[:, 0], variance)


def test_shells_and_variance_keep_the_energy():
    found = spectrum(torch.randn(2, 3, *FINE) + 5)
    middles, shares = found.shells(1 / 6)
    assert len(middles) == shares.shape[1]
    torch.testing.assert_close(shares.sum(1), torch.ones(2, dtype=torch.float64))
    wave = spectrum(plane_wave(FINE, (2, 1.5)))  # 0.5 along both axes
    middles, shares = wave.shells(1 / 6)
    nearest = (middles - 0.5**0.5).abs().argmin()
    assert shares[0, nearest] == pytest.approx(1)


@pytest.mark.parametrize('ratio', [1, 2, 4])
def test_white_noise_has_the_share_of_the_area(ratio):
    """All but a quarter of a disk of radius 1/2 in a square of side ``ratio``."""
    torch.manual_seed(0)
    side = 64 * ratio
    found = spectrum(torch.randn(1, 8, side, side), coarse=(64, 64))
    area = 1 - pi / 16 / ratio**2
    assert found.white_noise_above() == pytest.approx(area, abs=0.02 / ratio)
    assert float(found.share_above()) == pytest.approx(found.white_noise_above(), abs=0.005)


def test_shares_do_not_depend_on_orientation_amplitude_or_mean():
    torch.manual_seed(0)
    values = torch.randn(2, 3, *FINE, dtype=torch.float64).cumsum(-1)
    want = spectrum(values).share_above()
    turned = spectrum(values.transpose(2, 3), coarse=COARSE[::-1]).share_above()
    torch.testing.assert_close(turned, want)
    torch.testing.assert_close(spectrum(-7 * values + 3).share_above(), want)
    torch.testing.assert_close(spectrum(values.flip(2)).share_above(), want)


def test_planes_without_energy_have_no_share():
    """Rounding of float32 is no spectrum."""
    flat = torch.full((1, 2, *FINE), 0.1)
    assert spectrum(flat).share_above().isnan().all()
    assert spectrum(torch.zeros(1, 2, *FINE)).share_above().isnan().all()


def test_nodes_at_corners_have_the_frequency_of_what_they_sample():
    """Nodes 1/7 and 1/15 apart: the same wave has the same frequency at both scales."""
    waves = []
    for n in (8, 16):
        x = torch.arange(n, dtype=torch.float64) / (n - 1)
        wave = torch.cos(2 * pi * 1.5 * x).expand(1, 1, 2, n)
        found = spectrum(wave, coarse=(2, 8), align_corners=True)
        peak = found.frequency[found.energy[0].argmax()]
        waves.append(peak)
    assert waves == pytest.approx([1.5 / 3.5] * 2, abs=0.06)
    u = relative_frequencies((16,), node_spacing((16,), True), node_spacing((8,), True))
    assert u[-1] == pytest.approx(15 / 16 * 15 / 7)


CLIP = PlaneLayout(
    [dict(name='x', size=32), dict(name='y', size=16), dict(name='t', size=6, strided=False)],
    ['xy', 'xt', 'yt'],
)


def clip_field(wave_of_level):
    """Scales of strides 4, 2, 1 whose planes hold ``wave_of_level(i, plane, shape)``."""
    state = {
        basis_key(i, p): wave_of_level(i, p, CLIP.shape(p, s)).float()
        for i, s in enumerate((4, 2, 1))
        for p in CLIP.planes
    }
    return Field(torch.nn.Identity(), state, CLIP, 3)


def test_scales_of_unequal_planes_that_hold_one_wave_have_one_spectrum():
    """A wave below all Nyquist frequencies, on 8x4, 16x8 and 32x16 nodes and 6 frames."""
    cycles = dict(x=1.5, y=0.5, t=1.0)
    nyquist = dict(x=4, y=2, t=3)

    def wave(_, plane, shape):
        return plane_wave(shape, (cycles[plane[1]], cycles[plane[0]]))

    field = clip_field(wave)
    want = sorted(
        ((cycles[p[0]] / nyquist[p[0]]) ** 2 + (cycles[p[1]] / nyquist[p[1]]) ** 2) ** 0.5
        for p in CLIP.planes
    )
    for found in scale_spectra(field):
        holds = found.energy[0] > 1e-6
        assert sorted(found.frequency[holds].tolist()) == pytest.approx(want)
        assert found.share_above(0.43).item() == pytest.approx(2 / 3)  # without yt, at 0.42
    assert coarse_spacing(field) == pytest.approx(dict(x=1 / 8, y=1 / 4, t=1 / 6))
    assert shell_width(field) == pytest.approx(1 / 4)


def test_output_is_measured_in_the_same_unit():
    """A clip that waves along one axis, at pixels that are not the nodes."""
    field = clip_field(lambda _, plane, shape: torch.zeros(1, 1, *shape))
    size = (6, 20, 48)  # t, y, x
    for dim, (cycles, nyquist) in enumerate([(1, 3), (1.5, 2), (3, 4)]):
        n = size[dim]
        line = torch.cos(2 * pi * cycles * (torch.arange(n) + 0.5) / n)
        values = line.view(1, *[-1 if d == dim else 1 for d in range(3)], 1).expand(1, *size, 3)
        found = raster_spectrum(field, values)
        peak = found.frequency[found.energy[0].argmax()]
        assert peak == pytest.approx(cycles / nyquist)


def test_transposed_planes_have_their_axes_exchanged():
    config = CLIP.config | dict(transposed=['xt'])
    state = dict(clip_field(lambda _, plane, shape: torch.zeros(1, 1, *shape)).state)
    for i, s in enumerate((4, 2, 1)):
        state[basis_key(i, 'xt')] = torch.zeros(1, 1, *CLIP.shape('xt', s)[::-1])
    field = Field(torch.nn.Identity(), state, PlaneLayout(**config), 3)
    assert coarse_spacing(field) == pytest.approx(dict(x=1 / 8, y=1 / 4, t=1 / 6))
