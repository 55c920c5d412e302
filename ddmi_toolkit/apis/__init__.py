"""Entry points: configs, training, evaluation, inference and field files."""

from .config import config_hash, config_name, configs_root, find_config, load_config
from .evaluating import evaluate
from .fields import load_field, save_field
from .inference import FieldInferencer, default_device, load_model
from .outputs import check_output, parse_seeds, readable_errors, write_samples
from .training import check_config, run_state, train

__all__ = [
    'FieldInferencer',
    'check_config',
    'check_output',
    'config_hash',
    'config_name',
    'configs_root',
    'default_device',
    'evaluate',
    'find_config',
    'load_config',
    'load_field',
    'load_model',
    'parse_seeds',
    'readable_errors',
    'run_state',
    'save_field',
    'train',
    'write_samples',
]
