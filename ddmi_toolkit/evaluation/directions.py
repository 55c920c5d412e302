"""Which way a metric's values are better."""

from typing import Literal

Direction = Literal['higher', 'lower']

ARROWS: dict[Direction | None, str] = {'higher': ' ↑', 'lower': ' ↓', None: ''}

_HIGHER = frozenset(
    'psnr psnr_cell ssim precision recall density coverage cov_cd cov_emd f_score '
    'normal_consistency silhouette_iou clip_s cosine tmd iou/mean iou/worst attributes/mean '
    'attributes/exact class/accuracy classifier/mean fidelity/completeness'.split()
)
_LOWER = frozenset(
    'fid fvd kid mmd_cd mmd_emd jsd empty chamfer_l1 lpips abs_rel rmse hausdorff mutual_iou '
    'surface/accuracy surface/completeness fidelity/distance'.split()
)
# These are followed by the name of the network whose features are compared, if it is not the usual.
_OF_FEATURES = 'fid fvd kid lpips precision recall density coverage'.split()


def direction_of(metric: str) -> Direction | None:
    """Whether higher or lower values of a metric are better.

    Names of values decide, whatever prefix a config has given to its metric; where one name means
    two things (a ``completeness`` is a distance or a share), the metric's own prefix does. Counts,
    baselines and values that are best at some middle (``1nna_cd`` at 0.5) have no direction.

    Args:
        metric: ``'<prefix>/<name>'`` of a :class:`Result`.
    """
    name = metric.rpartition('/')[2]
    stems = [s for s in _OF_FEATURES if name.startswith(f'{s}_') and not name.startswith('kid_std')]
    for key in (metric, name, *stems):
        if key in _HIGHER:
            return 'higher'
        if key in _LOWER:
            return 'lower'
    return None
