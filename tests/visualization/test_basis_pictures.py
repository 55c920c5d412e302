"""Pictures of spectra have energy where its frequency is."""

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.visualization import PowerMap, draw_basis_analysis, with_differences


def test_differences_are_on_middle_gray():
    parts = [np.full((2, 2, 3), v, np.uint8) for v in (10, 250, 100)]
    shown = with_differences(parts)
    assert [int(x[0, 0, 0]) for x in shown] == [10, 250, 100, 218, 0]
    assert len(with_differences(parts[:1])) == 1


def test_white_noise_has_a_density_of_one():
    """Whatever the number of nodes: maps of scales have one unit."""
    power = np.ones((4, 8))
    density = PowerMap(power, (1.0, 1.0)).log_density()
    assert np.isnan(density[0, 0])
    assert density[1:].max() == pytest.approx(np.log10(32 / 31))
    finer = PowerMap(np.ones((8, 16)), (2.0, 2.0)).log_density()
    assert finer[1:].max() == pytest.approx(np.log10(128 / 127 / 4))
    assert np.isnan(PowerMap(np.zeros((2, 2)), (1.0, 1.0)).log_density()).all()


def drawn_at(power, extent, path):
    """Where a map's only energy is drawn: right and up, in frequencies; and the axes' sides."""
    tile = np.full((8, 8, 3), 128, np.uint8)
    curves = [([0.5, 1.0], [0.5, 0.5])]
    draw_basis_analysis([[tile]], [dict(xt=PowerMap(power, extent))], curves, 0.5, path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert('RGB')).astype(int)
    gray = (np.abs(pixels - 217) <= 1).all(-1)  # where there is no energy
    energy = (np.abs(pixels - (253, 231, 37)) <= 2).all(-1)  # the end of the color map
    rows, columns = (np.nonzero(gray.sum(axis) > 20)[0] for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    up, right = (np.mean(found) for found in np.nonzero(energy[box][::-1]))
    height, width = energy[box].shape
    at = right / width * extent[1], up / height * extent[0]
    return at, (width, height)


def test_energy_is_drawn_at_its_frequency(tmp_path):
    """Columns to the right, rows up, each to its own end."""
    power = np.zeros((4, 8))
    power[1, 5] = 1.0
    at, (width, height) = drawn_at(power, (1.0, 2.0), tmp_path / 'a.png')
    assert at == pytest.approx((5 * 2 / 8, 1 / 4), abs=0.03)
    assert width / height == pytest.approx(2, abs=0.1)
    at, (width, height) = drawn_at(power.T, (2.0, 1.0), tmp_path / 'b.png')
    assert at == pytest.approx((1 / 4, 5 * 2 / 8), abs=0.03)
    assert width / height == pytest.approx(1 / 2, abs=0.05)


def test_a_line_fills_its_map(tmp_path):
    """It has no frequencies across: its only row is as high as the map."""
    power = np.zeros((1, 8))
    power[0, 5] = 1.0
    (right, up), _ = drawn_at(power, (1.0, 2.0), tmp_path / 'line.png')
    assert right == pytest.approx(5 * 2 / 8, abs=0.03)
    assert up == pytest.approx(0.5, abs=0.02)
