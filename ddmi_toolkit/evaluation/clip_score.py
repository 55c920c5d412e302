"""Whether generated shapes look like what their captions say, to a network trained on pictures."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmengine.evaluator import BaseMetric

from ..registry import METRICS, MODELS
from .field_views import FieldViews
from .mutual_difference import condition_names
from .protocol import Protocol, digest, sample_seed, seed_range
from .reference_set import extract
from .text_image import AbstractTextImageExtractor

_WEIGHT = 2.5
_PROMPT = 'A photo depicts {}'
_FORMULAS = dict(
    clip_s=f"{_WEIGHT} * max(cos, 0), caption as '{_PROMPT}' (Hessel et al. 2021)",
    cosine='100 * cos of the bare caption (text-to-shape papers)',
)


@METRICS.register_module()
class ClipScore(BaseMetric):
    """Agreement of captions with pictures of the generated fields, by both conventions in use.

    ``clip_s`` is CLIPScore as its authors define it (Hessel et al. 2021): ``2.5 * max(cos, 0)``
    with the caption led by "A photo depicts". ``cosine`` is ``100 * cos`` of the bare caption, what
    the size of the numbers in text-to-shape papers suggests (DDMI Table 7: 30.30, there called
    CLIP-S). Both are means over views, then over fields. ``cosine_of_others`` is ``cosine`` with
    the captions of the next other condition: what is gained over it is due to the captions.

    Numbers of other networks, views or shading cannot be compared; all are in the protocol.

    Args:
        extractor: Config of an :class:`AbstractTextImageExtractor`, e.g.
            ``dict(type='ClipPairExtractor', model='ViT-B-32', pretrained='vit_b_32.pt')``.
        views: Arguments of :class:`FieldViews`.
        captions: Where the captions are: ``'cond'``, or a key of ``meta``.
        prefix: Replaces ``'clip_score'`` in the names of the values.

    Raises:
        FileNotFoundError: The network's weights are absent; the message says how to get them.
        ValueError: An argument is unknown or out of range.
    """

    default_prefix = 'clip_score'
    READS_CONDITIONS: ClassVar[bool] = True

    def __init__(
        self,
        extractor: Mapping[str, Any] | AbstractTextImageExtractor,
        views: Mapping[str, Any] | None = None,
        captions: str = 'cond',
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        self.extractor = MODELS.build(extractor, role=AbstractTextImageExtractor)
        self.extractor.eval()
        self.views, self.captions = FieldViews(**(views or {})), captions
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Keep the features of the views of each field."""
        captions = caption_texts(data_batch, len(data_samples), self.captions)
        for i, sample in enumerate(data_samples):
            if sample.get('field') is None:
                raise ValueError(f'ClipScore looks at fields; the samples have {sorted(sample)}')
            views = self.views(sample['field'])
            features = extract(self.extractor, views, len(views))
            self.results.append((sample_seed(data_batch, sample, i), captions[i], features))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``clip_s``, ``cosine`` and, if there are several captions, ``cosine_of_others``."""
        results = sorted(results, key=lambda result: result[0])
        captions = [caption for _, caption, _ in results]
        known = list(dict.fromkeys(captions))
        bare = self._sentences(known)
        led = self._sentences([_PROMPT.format(caption) for caption in known])
        views = [_unit(features) for *_, features in results]
        self._measured = dict(
            num_samples=len(results),
            num_captions=len(known),
            captions=digest(*sorted(known)),
            seeds=seed_range([seed for seed, *_ in results]),
        )
        own = [known.index(caption) for caption in captions]
        pairs = list(zip(views, own, strict=True))
        out = dict(
            clip_s=float(np.mean([_WEIGHT * (v @ led[k]).clip(0).mean() for v, k in pairs])),
            cosine=float(np.mean([100 * (v @ bare[k]).mean() for v, k in pairs])),
        )
        if len(known) > 1:
            others = [100 * (v @ bare[(k + 1) % len(known)]).mean() for v, k in pairs]
            out['cosine_of_others'] = float(np.mean(others))
        return out

    def _sentences(self, texts: Sequence[str]) -> np.ndarray:
        """Unit features ``(B, num_features)`` of sentences, 64 at a time."""
        parts = [texts[i : i + 64] for i in range(0, len(texts), 64)]
        features = [self.extractor.embed_texts(part).float().cpu().numpy() for part in parts]
        return _unit(np.concatenate(features))

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                formulas=_FORMULAS,
                aggregation='mean over views, then over fields',
                **self.extractor.protocol(),
                **self.views.protocol(),
                **self._measured,
            )
        }


def caption_texts(data_batch: Mapping[str, Any] | None, count: int, by: str) -> list[str]:
    """Captions of a batch's samples.

    Raises:
        ValueError: They are absent, or no text.
    """
    names = condition_names(data_batch, count, by)
    values = data_batch['cond'] if by == 'cond' else data_batch['meta'][by]
    if wrong := [
        name for name, value in zip(names, values, strict=True) if not isinstance(value, str)
    ]:
        raise ValueError(
            f'the condition {wrong[0][:40]!r} is no caption; set captions to the key of meta that '
            f"holds them, e.g. captions='caption'"
        )
    return names


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    return features / np.maximum(length, 1e-12)
