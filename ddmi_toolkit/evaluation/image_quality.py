"""How close reconstructed images are to the given ones: PSNR, SSIM and LPIPS."""

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..registry import METRICS
from .lpips_distance import RANDOM, LPIPSDistance, lpips_distance
from .pixels import RESIZE, as_extent, original, shown_at, true_at
from .protocol import Protocol, digest, sample_names
from .weights import LPIPS_TRUNKS

WINDOW_SIZE = 11  # pixels, Gaussian of sigma 1.5 (Wang et al. 2004)


def psnr(pred: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of values ``(B, *S, C)`` in [0, 1], one per sample.

    Infinite for equal values.
    """
    mse = (pred.double() - target.double()).square().flatten(1).mean(1)
    return -10 * mse.log10()


def ssim(pred: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of images ``(B, H, W, C)`` in [0, 1], one per image.

    Windows lie wholly inside the image; channels are averaged.

    Raises:
        ValueError: The images are smaller than a window.
    """
    from kornia.metrics import ssim as ssim_map

    if min(pred.shape[1:3]) < WINDOW_SIZE:
        raise ValueError(
            f'SSIM of images {tuple(pred.shape)}: height and width must be at least '
            f'{WINDOW_SIZE}; leave out the border, or choose names=["psnr"]'
        )
    # float64: variances are differences of means of squares
    images = (x.double().movedim(-1, 1) for x in (pred, target))
    return ssim_map(*images, WINDOW_SIZE, padding='valid').flatten(1).mean(1)


def luma(images: Tensor) -> Tensor:
    """Y of ITU-R BT.601 in studio swing (16 to 235 of 255), ``(..., 3)`` to ``(..., 1)``.

    This is the channel that super-resolution papers report, unrounded.
    """
    weights = images.new_tensor([65.481, 128.553, 24.966]) / 255
    return 16 / 255 + (images * weights).sum(-1, keepdim=True)


_MEASURES = dict(psnr=psnr, ssim=ssim)
_LPIPS = [f'lpips_{trunk}' for trunk in LPIPS_TRUNKS]


@METRICS.register_module()
class ImageQuality(BaseMetric):
    """PSNR, SSIM and LPIPS of predictions ``(*S, C)`` in [-1, 1] against what they should be.

    Each is computed per image and averaged over the set. Frames of a clip ``(T, H, W, C)``, or
    views of a scene, count as one image for PSNR and are averaged for the others. PSNR and SSIM map
    the values to [0, 1]; all clamp them.

    By default the ``pred`` of a sample is compared with its ``target``. With ``size`` its field
    is rendered at that size and compared with the original of the batch, ``meta['image']`` or
    ``meta['clip']``, brought down to it: one config can list both, under two prefixes.

    Args:
        names: Of ``'psnr'``, ``'ssim'``, ``'lpips_alex'`` and ``'lpips_vgg'``. PSNR also takes
            values at scattered points.
        is_luma: Whether colors are compared by their luma alone.
        border: Pixels at each side that are left out.
        size: Pixels, a number, ``(rows, columns)`` or ``(frames, rows, columns)``; None compares
            ``pred`` with ``target``.
        is_per_frame: Whether PSNR is averaged over frames or views too, as is usual for novel
            views, where one error weighs the mean squared error of all of them.
        lpips_weights: File of the trunk's weights; None looks for it in torch's cache.
        collect_device: As mmengine's metrics.
        prefix: As mmengine's metrics.

    Raises:
        FileNotFoundError: The weights of LPIPS are absent; the message says what to get.
        ValueError: An unknown name, or LPIPS of luma.
    """

    default_prefix = 'image'

    def __init__(
        self,
        names: Sequence[str] = ('psnr', 'ssim'),
        is_luma: bool = False,
        border: int = 0,
        size: int | Sequence[int] | None = None,
        is_per_frame: bool = False,
        lpips_weights: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        known = [*_MEASURES, *_LPIPS]
        tests = [n + RANDOM for n in _LPIPS]
        if unknown := sorted(set(names) - {*known, *tests}):
            raise ValueError(f'names has {unknown}; choose of {known}')
        self.names, self.is_luma, self.border = tuple(names), is_luma, border
        self.size = None if size is None else as_extent(size)
        self.is_per_frame = is_per_frame
        self._measured: Protocol = {}
        trunks = [n.removeprefix('lpips_') for n in names if n.startswith('lpips_')]
        if trunks and is_luma:
            raise ValueError('LPIPS compares colors; leave it out of names, or set is_luma=False')
        self.lpips: dict[str, LPIPSDistance] = {
            f'lpips_{trunk}': lpips_distance(trunk, lpips_weights) for trunk in trunks
        }

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Measure each ``dict(pred, target)``, or each ``dict(field)`` with ``size``."""
        names = sample_names(data_batch, len(data_samples))
        for i, sample in enumerate(data_samples):
            pred, target = (self._prepare(x) for x in self._pair(data_batch, sample, i))
            if pred.shape != target.shape:
                raise ValueError(
                    f'prediction {tuple(pred.shape)} and target {tuple(target.shape)} differ in '
                    f'shape; evaluate on a query that the targets were made for'
                )
            scores = {n: self._measure(n, pred, target) for n in self.names}
            self.results.append((names[i], tuple(target.shape), scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means over the set, and its size."""
        names, shapes, scores = zip(*results, strict=True)
        self._measured = dict(images=digest(*sorted(names)), largest_target=max(shapes))
        means = {n: sum(s[n] for s in scores) / len(scores) for n in self.names}
        return dict(means, num_images=len(scores))

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        rendered = dict(size=self.size, target_transform=f'meta[{self._key!r}], {RESIZE}')
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                names=self.names,
                is_luma=self.is_luma,
                border=self.border,
                value_range=(0, 1),
                **({} if self.size is None else rendered),
                **(dict(is_per_frame=True) if self.is_per_frame else {}),
                **{name: net.checksum for name, net in self.lpips.items()},
                **self._measured,
            )
        }

    def _pair(self, data_batch: Any, sample: dict[str, Any], i: int) -> tuple[Tensor, Tensor]:
        """A prediction and what it should be."""
        if self.size is None:
            return sample['pred'], sample['target']
        originals = original((data_batch or {}).get('meta'), self._key, 'the batch')
        target = true_at(originals[i].float(), self.size, f'meta[{self._key!r}]')
        pred = shown_at(sample, self.size)
        return pred, target.to(pred.device)

    @property
    def _key(self) -> str:
        """Where originals of that size lie."""
        return 'image' if self.size is None or len(self.size) == 2 else 'clip'

    def _measure(self, name: str, pred: Tensor, target: Tensor) -> float:
        if name == 'psnr' and not self.is_per_frame:
            return psnr(pred[None], target[None]).item()
        if pred.ndim < 3:
            raise ValueError(
                f'{name} of values {tuple(pred.shape)}: scattered points have no neighbors; '
                f"evaluate on a grid, or choose names=['psnr']"
            )
        images = (x.reshape(-1, *x.shape[-3:]) for x in (pred, target))
        if name in _MEASURES:
            return _MEASURES[name](*images).mean().item()
        return self.lpips[name](*(2 * x - 1 for x in images)).mean().item()

    def _prepare(self, values: Tensor | None) -> Tensor:
        """Values ``(*S, C)`` in [0, 1], without border, as they are compared."""
        if values is None:
            raise ValueError("ImageQuality needs a 'target' in every batch; this batch has none")
        values = ((values + 1) / 2).clamp(0, 1)
        if self.border:
            inner = slice(self.border, -self.border)
            values = values[..., inner, inner, :]
        return luma(values) if self.is_luma else values
