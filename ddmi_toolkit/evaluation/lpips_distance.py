"""LPIPS of the lpips package, with a trunk from a file that is known."""

import warnings
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from ..layers.frozen import fixed_initialization, warn_random
from .weights import LPIPS_TRUNKS, file_sha256, find_weights, weights_digest

SMALLEST = dict(alex=31, vgg=16)  # pixels that the poolings leave something of
RANDOM = '_random'


class LPIPSDistance(nn.Module):
    """Learned perceptual distance of images (Zhang et al. 2018), version 0.1.

    Args:
        trunk: ``'alex'`` or ``'vgg'``; with ``_random`` behind it the trunk has random weights,
            the same in every process, for tests.
        weights: File of the trunk's weights; None looks for torchvision's in torch's cache.

    Attributes:
        checksum: Of trunk and learned weights, 16 hexadecimal digits.

    Raises:
        FileNotFoundError: The file is not there; the message says what to download to where.
        ValueError: An unknown trunk, or the file is not that of the published distance.
    """

    def __init__(self, trunk: str, weights: str | None = None) -> None:
        super().__init__()
        self.trunk = trunk.removesuffix(RANDOM)
        if self.trunk not in LPIPS_TRUNKS:
            raise ValueError(f'LPIPS has no trunk {trunk!r}; choose of {sorted(LPIPS_TRUNKS)}')
        path = None
        if trunk.endswith(RANDOM):
            warn_random('LPIPS', trunk)
        else:
            path = _checked(self.trunk, weights)
        self.net = _build(self.trunk)
        if path is not None:
            _load_trunk(self.net.net, path)
        self.checksum = weights_digest(self.net)

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """One distance per image, ``(B,)``.

        Args:
            pred: Images ``(B, H, W, 3)`` in [-1, 1].
            target: Same shape.

        Raises:
            ValueError: The images are too small for the trunk, or have no three channels.
        """
        smallest = SMALLEST[self.trunk]
        if pred.shape[-1] != 3 or min(pred.shape[1:3]) < smallest:
            raise ValueError(
                f'LPIPS with trunk {self.trunk!r} of images {tuple(pred.shape)}: expected '
                f'(B, H, W, 3) of at least {smallest} x {smallest} pixels; leave it out of names, '
                f'or render larger by size='
            )
        self.to(pred.device)
        images = (x.float().movedim(-1, 1) for x in (pred, target))
        return self.net(*images).flatten()


@cache
def lpips_distance(trunk: str, weights: str | None = None) -> LPIPSDistance:
    """The network, built once per process and kept."""
    return LPIPSDistance(trunk, weights)


def _checked(trunk: str, weights: str | None) -> Path:
    published = LPIPS_TRUNKS[trunk]
    path = find_weights(published, weights)
    if not (found := file_sha256(path)).startswith(published.sha256):
        raise ValueError(
            f'{path} has SHA-256 {found[:8]}..., expected {published.sha256}...: LPIPS with '
            f'another trunk is another distance, or the file is damaged; get {published.url}'
        )
    return path


def _build(trunk: str) -> nn.Module:
    """Random trunk, learned weights of the package."""
    import lpips

    with warnings.catch_warnings(), fixed_initialization():
        warnings.simplefilter('ignore')  # the package uses an old argument of torchvision's
        net = lpips.LPIPS(net=trunk, pnet_rand=True, verbose=False)
    return net.eval().requires_grad_(False)


def _load_trunk(trunk: nn.Module, path: Path) -> None:
    """torchvision's ``features.<i>`` are ``slice<k>.<i>`` here."""
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        renamed = {k: state['features.' + k.partition('.')[2]] for k in trunk.state_dict()}
        trunk.load_state_dict(renamed)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as the trunk of LPIPS: {reason}') from error
