"""Published yaml files as the settings that the key maps take."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

NEEDED = dict(
    ddconfig='resolution in_channels ch ch_mult out_ch z_channels num_res_blocks attn_resolutions '
    'attn_type hdbf_resolutions inter_attn_resolutions',
    mlpconfig='in_ch out_ch ch',
    pointnet='dim c_dim hidden_dim n_blocks plane_resolution plane_type padding',
    unetconfig='image_size in_channels out_channels model_channels attention_resolutions '
    'num_res_blocks channel_mult num_head_channels',
    ddpmconfig='timesteps mixed_prediction',
)
DOMAIN = 'occupancy'
CHAIR = ['03001627']
CONV_DEFAULTS = dict(dim=3, padding=0.1)
"""What the published code takes where a conv_config does not say."""


def read_settings(
    path: str | Path, conv_config: str | Path | None = None, *, has_diffusion: bool = False
) -> dict[str, Any]:
    """Settings of a published shape model.

    Sections stand at the top of the file, in ``model`` or in ``model.params``. The point encoder is
    described by a section ``pointnet`` or, as published, by a second file, which
    ``data.conv_config`` names.

    Args:
        path: Published yaml of either stage.
        conv_config: That second file, where it is not found by its name.
        has_diffusion: Whether the settings of the second stage are needed.

    Returns:
        ``ddconfig``, ``embed_dim``, ``mlpconfig``, ``pointnet``, ``classes`` (None for all) and,
        when asked for, ``unetconfig`` and ``ddpmconfig``.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is no yaml mapping, serves another domain, or lacks a setting.
    """
    path = Path(path)
    content = _read(path)
    data = content.get('data') or {}
    domain = data.get('domain', DOMAIN)
    if domain != DOMAIN:
        raise ValueError(
            f'{path}: data.domain={domain!r} is not supported yet; only shapes '
            f'({DOMAIN!r}) are converted'
        )
    places = _places(content)
    settings: dict[str, Any] = {'embed_dim': _find('embed_dim', places, path)}
    names = ['ddconfig', 'mlpconfig'] + ['unetconfig', 'ddpmconfig'] * has_diffusion
    settings |= {name: _section(_find(name, places, path), name, path) for name in names}
    given = [place['pointnet'] for place in places if 'pointnet' in place]
    if given and conv_config is None:
        settings['pointnet'] = _section(given[0], 'pointnet', path)
        settings['classes'] = data.get('classes')
    else:
        conv_path = _conv_path(path, data, conv_config)
        settings |= _conv_settings(conv_path)
    _check_sizes(settings, path)
    if settings['classes'] not in (None, CHAIR):
        raise ValueError(
            f'classes={settings["classes"]!r}: expected null (13 classes) or {CHAIR}, as '
            f'published; change it, and later the data sets of the config that is written'
        )
    return settings


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is no yaml file: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds a {type(content).__name__}, expected a mapping')
    return content


def _places(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    model = content.get('model') or {}
    found = [content, model, model.get('params') or {}]
    return [place for place in found if isinstance(place, Mapping)]


def _find(name: str, places: Iterable[Mapping[str, Any]], path: Path) -> Any:
    for place in places:
        if place.get(name) is not None:
            return place[name]
    raise ValueError(f'{path} lacks {name!r}; expected it at the top, in model or in model.params')


def _section(section: Any, name: str, path: Path) -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise ValueError(f'{path}: {name} is {section!r}, expected a mapping')
    if missing := [key for key in NEEDED[name].split() if key not in section]:
        raise ValueError(f'{path}: {name} lacks {", ".join(missing)}')
    return dict(section)


def _conv_path(path: Path, data: Mapping[str, Any], given: str | Path | None) -> Path:
    """The second file: relative to here, or to a folder above the first (the published root)."""
    if given is not None:
        return Path(given)
    name = data.get('conv_config')
    if name is None:
        raise ValueError(
            f'{path} describes no point encoder: expected data.conv_config, a section pointnet, '
            f'or --conv-config FILE'
        )
    for place in (Path(name), *(parent / name for parent in path.resolve().parents)):
        if place.is_file():
            return place
    raise FileNotFoundError(
        f'{path} names data.conv_config={name!r}, which is neither here nor below a folder above '
        f'it; name the file by --conv-config FILE'
    )


def _conv_settings(path: Path) -> dict[str, Any]:
    content = _read(path)
    model, data = content.get('model') or {}, content.get('data') or {}
    encoder = model.get('encoder', 'pointnet_local_pool')
    if encoder != 'pointnet_local_pool':
        raise ValueError(
            f"{path}: model.encoder={encoder!r}, expected 'pointnet_local_pool', as published"
        )
    found = CONV_DEFAULTS | {k: data[k] for k in CONV_DEFAULTS if k in data}
    found |= model.get('encoder_kwargs') or {}
    found |= {k: model[k] for k in ('c_dim',) if k in model}
    return dict(pointnet=_section(found, 'pointnet', path), classes=data.get('classes'))


def _check_sizes(settings: Mapping[str, Any], path: Path) -> None:
    """Numbers that two sections state must agree."""
    points, dd = settings['pointnet'], settings['ddconfig']
    pairs = [
        ('pointnet.plane_resolution', points['plane_resolution'], 'ddconfig', 'resolution'),
        ('pointnet.c_dim', points['c_dim'], 'ddconfig', 'in_channels'),
    ]
    if 'unetconfig' in settings:
        latent = dd['resolution'] // 2 ** (len(dd['ch_mult']) - 1)
        pairs.append(('the latent resolution', latent, 'unetconfig', 'image_size'))
        stacked = 3 * settings['embed_dim']
        pairs.append(('three times embed_dim', stacked, 'unetconfig', 'in_channels'))
    for one, value, section, key in pairs:
        if value != settings[section][key]:
            raise ValueError(
                f'{path}: {one} is {value} and {section}.{key} is {settings[section][key]}; they '
                f'must be equal'
            )
    if points['dim'] != 3:
        raise ValueError(f'{path}: points of {points["dim"]} numbers are not supported yet')
    if sorted(points['plane_type']) != ['xy', 'xz', 'yz']:
        raise ValueError(
            f'{path}: plane_type={points["plane_type"]}, expected the planes xy, xz and yz'
        )
