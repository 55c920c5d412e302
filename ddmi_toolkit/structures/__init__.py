"""Pure data types: layouts, coordinates, fields, cameras, posteriors and seeded draws."""

from .basis_fields import basis_fields, basis_key, feed_scales, mean_basis_vectors
from .cameras import Camera, look_at, orbit, stack_rays
from .coords import Coords, Grid, Points, as_coords, pixel_centers
from .field import Field
from .layout import Axis, PlaneLayout
from .observations import Observations
from .pictures import as_size, to_uint8
from .posterior import DiagonalGaussian
from .randomness import Draw, generators, mix_seed, seeded_normal, seeded_uniform
from .raster import Raster, fitted_size, magnified_size
from .signals import Signal, signal_of
from .spherical import spherical_path

__all__ = [
    'Axis',
    'Camera',
    'Coords',
    'DiagonalGaussian',
    'Draw',
    'Field',
    'Grid',
    'Observations',
    'PlaneLayout',
    'Points',
    'Raster',
    'Signal',
    'as_coords',
    'as_size',
    'basis_fields',
    'basis_key',
    'feed_scales',
    'fitted_size',
    'generators',
    'look_at',
    'magnified_size',
    'mean_basis_vectors',
    'mix_seed',
    'orbit',
    'pixel_centers',
    'seeded_normal',
    'seeded_uniform',
    'signal_of',
    'spherical_path',
    'stack_rays',
    'to_uint8',
]
