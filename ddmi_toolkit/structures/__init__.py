"""Pure data types: layouts, coordinates, fields, posteriors and seeded draws."""

from .coords import Coords, Grid, Points, as_coords, pixel_centers
from .field import Field
from .layout import Axis, PlaneLayout
from .pictures import as_size, to_uint8
from .posterior import DiagonalGaussian
from .randomness import Draw, generators, mix_seed, seeded_normal, seeded_uniform
from .raster import Raster, fitted_size, magnified_size

__all__ = [
    'Axis',
    'Coords',
    'DiagonalGaussian',
    'Draw',
    'Field',
    'Grid',
    'PlaneLayout',
    'Points',
    'Raster',
    'as_coords',
    'as_size',
    'fitted_size',
    'generators',
    'magnified_size',
    'mix_seed',
    'pixel_centers',
    'seeded_normal',
    'seeded_uniform',
    'to_uint8',
]
