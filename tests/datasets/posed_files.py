"""Writes small sets of posed views in every format: one ball with a red and a blue half."""

import json

import numpy as np
import torch
from PIL import Image

from ddmi_toolkit.datasets.posed_views import View
from ddmi_toolkit.structures import Camera, look_at, orbit

RADIUS, SIZE = 0.6, 24
RED, BLUE = (204, 51, 51), (51, 51, 204)  # z above and below 0


def cameras(num=6, size=SIZE, radius=3.0):
    """Half of them from above, half from below."""
    options = dict(size=(size, size), fov_deg=40.0)
    up = orbit((num + 1) // 2, radius, 40.0, **options)
    return up + orbit(num // 2, radius, -35.0, start_deg=37.0, **options) if num > 1 else up


def picture(camera, alpha=False):
    """What a camera sees of the ball, ``(h, w, 3 or 4)`` uint8."""
    origins, dirs = (r.double() for r in camera.rays())
    b, c = (origins * dirs).sum(-1), origins.square().sum(-1) - RADIUS**2
    hit = b * b > c
    z = (origins + dirs * (-b - (b * b - c).clamp(min=0).sqrt())[..., None])[..., 2]
    colors = torch.where((z > 0)[..., None], torch.tensor(RED), torch.tensor(BLUE))
    ground = 0 if alpha else 255
    colors = torch.where(hit[..., None], colors, torch.tensor(ground)).to(torch.uint8).numpy()
    if not alpha:
        return colors
    return np.concatenate([colors, 255 * hit[..., None].to(torch.uint8).numpy()], axis=-1)


def ball_views(num=6, size=SIZE, alpha=False):
    found = cameras(num, size)
    return [View(f'view {i}', c, lambda c=c: picture(c, alpha)) for i, c in enumerate(found)]


def cloud(num=200):
    """Points of the ball, xyz and rgb in 0..1."""
    unit = np.random.default_rng(0).standard_normal((num, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    colors = np.where(unit[:, 2:] > 0, RED, BLUE) / 255
    return np.concatenate([RADIUS * unit, colors], axis=1).astype(np.float32)


def write_npz(folder, names=('a', 'b', 'c'), floats=False, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    found = cameras()
    images = np.stack([picture(c) for c in found])
    arrays = dict(
        images=images.astype(np.float32) / 255 if floats else images,
        cam_poses=np.stack([c.pose.numpy() for c in found]),
        data=cloud(),
    )
    arrays |= changes
    for name in names:
        kept = {k: v for k, v in arrays.items() if v is not None}
        np.savez_compressed(folder / f'{name}.npz', **kept)
    return folder


def write_srn(folder, names=('a', 'b')):
    """Poses with OpenCV's axes, in one line each; focal length of 40 degrees."""
    for name in names:
        for part in ('rgb', 'pose'):
            (folder / name / part).mkdir(parents=True)
        for i, camera in enumerate(cameras()):
            Image.fromarray(picture(camera)).save(folder / name / f'rgb/{i:06d}.png')
            pose = camera.pose.double().numpy() * [1, -1, -1, 1]
            text = ' '.join(f'{v:.9g}' for v in pose.ravel())
            (folder / name / f'pose/{i:06d}.txt').write_text(text)
        focal = camera.fx
        lines = [f'{focal} {SIZE / 2} {SIZE / 2} 0.', '0. 0. 0.', '1.', f'{SIZE} {SIZE}']
        (folder / name / 'intrinsics.txt').write_text('\n'.join(lines) + '\n')
    return folder


def write_transforms(folder, split=None, alpha=True, suffix='', **values):
    """NeRF-synthetic's layout: names without suffix, the angle of view."""
    name = split or 'images'
    (folder / name).mkdir(parents=True, exist_ok=True)
    frames = []
    for i, camera in enumerate(cameras()):
        Image.fromarray(picture(camera, alpha)).save(folder / name / f'r_{i}.png')
        pose = camera.pose.tolist()
        frames.append(dict(file_path=f'./{name}/r_{i}{suffix}', transform_matrix=pose))
    scene = dict(camera_angle_x=float(np.deg2rad(40.0)), frames=frames) | values
    path = folder / (f'transforms_{split}.json' if split else 'transforms.json')
    path.write_text(json.dumps(scene))
    return path


def one_camera(size=SIZE):
    return Camera.from_fov(look_at((3.0, 0.0, 0.0)), np.deg2rad(40.0), size, size)
