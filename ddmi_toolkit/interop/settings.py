"""Published yaml files as the settings that the key maps take."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .video_vae import NUM_FRAMES

UNET = (
    'in_channels out_channels model_channels attention_resolutions num_res_blocks channel_mult '
    'num_head_channels'
)
CNN = 'resolution in_channels ch ch_mult out_ch z_channels num_res_blocks attn_resolutions '
CNN += 'attn_type hdbf_resolutions'
NEEDED = {
    'occupancy': dict(
        ddconfig=f'{CNN} inter_attn_resolutions',
        mlpconfig='in_ch out_ch ch',
        pointnet='dim c_dim hidden_dim n_blocks plane_resolution plane_type padding',
    ),
    'image': dict(ddconfig=CNN, mlpconfig='in_ch out_ch ch latent_dim'),
    'video': dict(
        ddconfig=f'{CNN} inter_attn_resolutions timesformer_channels patch_size',
        mlpconfig='out_ch ch latent_dim',
    ),
}
"""Settings that are read, per published domain."""

LATENT_SIZES = dict(occupancy='image_size', image='image_size', video='size1 size2 size3')
SECOND_STAGE = dict(unetconfig=UNET, ddpmconfig='timesteps mixed_prediction')
CHAIR = ['03001627']
CONV_DEFAULTS = dict(dim=3, padding=0.1)
"""What the published code takes where a conv_config does not say."""


def read_settings(
    path: str | Path, conv_config: str | Path | None = None, *, has_diffusion: bool = False
) -> dict[str, Any]:
    """Settings of a published model of shapes, images or videos.

    Sections stand at the top of the file, in ``model`` or in ``model.params``. The point encoder of
    shapes is described by a section ``pointnet`` or, as published, by a second file, which
    ``data.conv_config`` names. Without ``data.domain``, a file that describes none is of videos
    where ``ddconfig`` has ``timesformer_channels``, else of images.

    Args:
        path: Published yaml of either stage.
        conv_config: That second file, where it is not found by its name.
        has_diffusion: Whether the settings of the second stage are needed.

    Returns:
        ``domain``, ``leaf`` (file name of our config whose data sets and schedule serve),
        ``ddconfig``, ``embed_dim``, ``mlpconfig``, for shapes ``pointnet``, for videos ``frames``
        and, when asked for, ``unetconfig`` and ``ddpmconfig``.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is no yaml mapping, serves another domain, or lacks a setting.
    """
    path = Path(path)
    content = _read(path)
    places, data = _places(content), content.get('data') or {}
    has_points = conv_config or 'conv_config' in data or any('pointnet' in p for p in places)
    domain = data.get('domain', 'occupancy' if has_points else _pictured(places))
    if domain not in NEEDED:
        raise ValueError(
            f'{path}: data.domain={domain!r} is not supported yet; only {list(NEEDED)} are '
            f'converted'
        )
    settings: dict[str, Any] = dict(domain=domain, embed_dim=_find('embed_dim', places, path))
    needed = {k: v for k, v in NEEDED[domain].items() if k != 'pointnet'}
    if has_diffusion:
        needed |= SECOND_STAGE | dict(unetconfig=f'{UNET} {LATENT_SIZES[domain]}')
    for name, keys in needed.items():
        settings[name] = _section(_find(name, places, path), name, path, keys)
    if domain == 'occupancy':
        settings |= _point_settings(path, places, data, conv_config)
    else:
        settings['leaf'] = _picture_leaf(path, data, conv_config, domain)
    if domain == 'video':
        found = [place['frames'] for place in (*places, data) if 'frames' in place]
        settings['frames'] = found[0] if found else NUM_FRAMES
    _check_sizes(settings, path)
    return settings


def _point_settings(
    path: Path,
    places: Iterable[Mapping[str, Any]],
    data: Mapping[str, Any],
    conv_config: str | Path | None,
) -> dict[str, Any]:
    given = [place['pointnet'] for place in places if 'pointnet' in place]
    if given and conv_config is None:
        points, classes = given[0], data.get('classes')
    else:
        path = _conv_path(path, data, conv_config)
        points, classes = _conv_settings(path)
    points = _section(points, 'pointnet', path, NEEDED['occupancy']['pointnet'])
    if classes not in (None, CHAIR):
        raise ValueError(
            f'classes={classes!r}: expected null (13 classes) or {CHAIR}, as published; change '
            f'it, and later the data sets of the config that is written'
        )
    leaf = 'shapenet_13.py' if classes is None else 'shapenet_chair.py'
    return dict(pointnet=points, leaf=leaf)


def _pictured(places: Iterable[Mapping[str, Any]]) -> str:
    dd = [place['ddconfig'] for place in places if isinstance(place.get('ddconfig'), Mapping)]
    return 'video' if dd and 'timesformer_channels' in dd[0] else 'image'


def _picture_leaf(
    path: Path, data: Mapping[str, Any], conv_config: str | Path | None, domain: str
) -> str:
    """Our config of the pictures or clips that a published folder name tells of."""
    if conv_config is not None:
        raise ValueError(
            f'{path} is of {domain}s, which have no conv_config; leave {conv_config} out'
        )
    if domain == 'video':
        return 'skytimelapse_256.py'
    name = str(data.get('data_dir', '')).lower()
    if 'celeb' in name:
        return 'celebahq_256.py'
    return 'afhqv2_dog.py' if 'dog' in name else 'afhqv2_cat.py'


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


def _section(section: Any, name: str, path: Path, keys: str) -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise ValueError(f'{path}: {name} is {section!r}, expected a mapping')
    if missing := [key for key in keys.split() if key not in section]:
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


def _conv_settings(path: Path) -> tuple[dict[str, Any], Any]:
    """Settings of the point encoder and the classes of shapes."""
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
    return found, data.get('classes')


def _check_sizes(settings: Mapping[str, Any], path: Path) -> None:
    """Numbers that two sections state must agree."""
    points, dd = settings.get('pointnet'), settings['ddconfig']
    pairs = []
    if points is not None:
        pairs = [
            ('pointnet.plane_resolution', points['plane_resolution'], 'ddconfig', 'resolution'),
            ('pointnet.c_dim', points['c_dim'], 'ddconfig', 'in_channels'),
        ]
    if 'unetconfig' in settings:
        latent = dd['resolution'] // 2 ** (len(dd['ch_mult']) - 1)
        name = 'size1' if 'frames' in settings else 'image_size'
        pairs.append(('the latent resolution', latent, 'unetconfig', name))
        if 'frames' in settings:
            pairs.append(('the latent resolution', latent, 'unetconfig', 'size2'))
            pairs.append(('the number of frames', settings['frames'], 'unetconfig', 'size3'))
        factor, words = (1, 'embed_dim') if points is None else (3, 'three times embed_dim')
        pairs.append((words, factor * settings['embed_dim'], 'unetconfig', 'in_channels'))
    for one, value, section, key in pairs:
        if value != settings[section][key]:
            raise ValueError(
                f'{path}: {one} is {value} and {section}.{key} is {settings[section][key]}; they '
                f'must be equal'
            )
    if points is None:
        return
    if points['dim'] != 3:
        raise ValueError(f'{path}: points of {points["dim"]} numbers are not supported yet')
    if sorted(points['plane_type']) != ['xy', 'xz', 'yz']:
        raise ValueError(
            f'{path}: plane_type={points["plane_type"]}, expected the planes xy, xz and yz'
        )
