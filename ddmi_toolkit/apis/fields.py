"""Fields as files: one safetensors file that needs no training code's config."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..registry import MODELS
from ..structures import Field, PlaneLayout
from ..utils import replace_atomically

FORMAT = 'ddmi_toolkit.field/1'


def save_field(field: Field, path: str | Path) -> Path:
    """Write a field (or a batch of fields) with all that evaluates it, whole or not at all.

    Args:
        field: What a generator returned.
        path: File to write; conventionally ``*.safetensors``.

    Returns:
        The path written.
    """
    path = Path(path)
    tensors = {f'state.{k}': v for k, v in field.state.items()}
    tensors |= {f'evaluator.{k}': v for k, v in field.evaluator.state_dict().items()}
    meta = dict(spec=field.spec, layout=field.layout.config, out_channels=field.out_channels)
    content = save(
        {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
        metadata=dict(format=FORMAT, field=json.dumps(meta)),
    )
    with replace_atomically(path) as file:  # save_file would write for the owner's eyes alone
        file.write(content)
    return path


def load_field(path: str | Path, device: str = 'cpu') -> Field:
    """Read a field written by :func:`save_field`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist; save_field writes such files')
    try:
        with safe_open(path, framework='pt', device=device) as file:
            meta = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise ValueError(f'{path} is not a readable safetensors file: {error}') from error
    if meta.get('format') != FORMAT:
        raise ValueError(
            f'{path} holds no field: format {meta.get("format")!r}, expected {FORMAT!r}; '
            f'write it by save_field'
        )
    info = json.loads(meta['field'])
    evaluator = MODELS.build(info['spec']).to(device).eval().requires_grad_(False)
    evaluator.load_state_dict(_part(tensors, 'evaluator.'))
    return Field(
        evaluator,
        _part(tensors, 'state.'),
        PlaneLayout(**info['layout']),
        info['out_channels'],
        info['spec'],
    )


def _part(tensors: dict, prefix: str) -> dict:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
