"""Entry points: configs, training, evaluation, inference and field files."""

from .config import config_hash, config_name, configs_root, find_config, load_config
from .evaluating import evaluate
from .fields import load_field, save_field
from .inference import FieldInferencer, default_device, load_model
from .outputs import parse_seeds, write_samples
from .training import check_config, run_state, train

__all__ = [
    'FieldInferencer',
    'check_config',
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
    'run_state',
    'save_field',
    'train',
    'write_samples',
]
