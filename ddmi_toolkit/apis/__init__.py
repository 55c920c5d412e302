"""Entry points: configs, training, evaluation, inference and field files."""

from ..layers.view_rendering import cameras_around, render_views
from ..structures import spherical_path
from .basis_analysis import BasisAnalysis, analyze_basis_fields
from .colored_mesh import extract_colored_mesh, save_colored_mesh
from .commands import parse_seeds, readable_errors
from .config import config_hash, config_name, configs_root, find_config, load_config
from .evaluating import evaluate
from .fields import load_field, save_field
from .inference import FieldInferencer
from .loading import channels_of, default_device, layout_of, load_model
from .observing import (
    invert,
    make_observer,
    observe_cloud,
    observe_file,
    observe_occupancies,
    posterior_latents,
    variation_latents,
)
from .outputs import make_writer, write_samples
from .pictures import check_space, write_picture
from .reconstruction import find_inputs, make_reconstructor, reconstruct_files
from .training import check_config, run_state, train

__all__ = [
    'BasisAnalysis',
    'FieldInferencer',
    'analyze_basis_fields',
    'cameras_around',
    'channels_of',
    'check_config',
    'check_space',
    'config_hash',
    'config_name',
    'configs_root',
    'default_device',
    'evaluate',
    'extract_colored_mesh',
    'find_config',
    'find_inputs',
    'invert',
    'layout_of',
    'load_config',
    'load_field',
    'load_model',
    'make_observer',
    'make_reconstructor',
    'make_writer',
    'observe_cloud',
    'observe_file',
    'observe_occupancies',
    'parse_seeds',
    'posterior_latents',
    'readable_errors',
    'reconstruct_files',
    'render_views',
    'run_state',
    'save_colored_mesh',
    'save_field',
    'spherical_path',
    'train',
    'variation_latents',
    'write_picture',
    'write_samples',
]
