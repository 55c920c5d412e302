"""Published weights that metrics need: how they are found, and how they are told apart."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .protocol import digest


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights that everybody uses.

    Args:
        what: What it is for.
        name: File name.
        sha256: All or the first digits of its SHA-256.
        size: Bytes, for people.
        url: Where it is published.
        aliases: Other names under which the same content is published.
    """

    what: str
    name: str
    sha256: str
    size: str
    url: str
    aliases: tuple[str, ...] = ()


INCEPTION = PublishedFile(
    what='the Inception features of FID',
    name='weights-inception-2015-12-05-6726825d.pth',
    sha256='6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2',
    size='95,628,359 bytes',
    url='https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/'
    'weights-inception-2015-12-05-6726825d.pth',
    aliases=('pt_inception-2015-12-05-6726825d.pth',),
)
I3D_TORCHSCRIPT = PublishedFile(
    what='the I3D features of FVD',
    name='i3d_torchscript.pt',
    sha256='bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2',
    size='51,235,320 bytes',
    url='https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1',
)
LPIPS_TRUNKS = dict(
    alex=PublishedFile(
        what='the AlexNet trunk of LPIPS',
        name='alexnet-owt-7be5be79.pth',
        sha256='7be5be79',
        size='233 MiB',
        url='https://download.pytorch.org/models/alexnet-owt-7be5be79.pth',
    ),
    vgg=PublishedFile(
        what='the VGG-16 trunk of LPIPS',
        name='vgg16-397923af.pth',
        sha256='397923af',
        size='528 MiB',
        url='https://download.pytorch.org/models/vgg16-397923af.pth',
    ),
)


def find_weights(file: PublishedFile, path: str | Path | None = None) -> Path:
    """The file named, or the published one in torch's cache.

    Raises:
        FileNotFoundError: It is not there; the message says what to download to where.
    """
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    if path is None:
        candidates = [folder / name for name in (file.name, *file.aliases)]
    else:
        candidates = [Path(path).expanduser()]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f'{candidates[0]} does not exist. It holds {file.what}: download {file.url} '
        f'({file.size}, SHA-256 {file.sha256}{"" if len(file.sha256) == 64 else "..."}) and put '
        f'it into {folder}, or give the path of the file'
    )


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def weights_digest(net: nn.Module) -> str:
    """16 hexadecimal digits of all weights and buffers of a network and their names."""
    state = net.state_dict()
    return digest(*state, *(value.detach().cpu().numpy() for value in state.values()))
