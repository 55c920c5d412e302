"""Networks that embed pictures and sentences in one space."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..registry import MODELS
from .extractor_roles import AbstractExtractor
from .extractors import ClipExtractor


class AbstractTextImageExtractor(AbstractExtractor):
    """Features of 8-bit images, and features of sentences that agree with those of their images."""

    @abstractmethod
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Features ``(B, num_features)`` of sentences."""

    @torch.no_grad()
    def cosines(self, images: Tensor, text: str) -> Tensor:
        """Cosine between each image's features and a sentence's, ``(B,)``.

        Args:
            images: ``(B, 3, H, W)`` uint8.
            text: The sentence.
        """
        features = self(images)
        sentence = self.embed_texts([text]).to(features)
        return F.cosine_similarity(features, sentence, dim=-1)


@MODELS.register_module()
class ClipPairExtractor(ClipExtractor, AbstractTextImageExtractor):
    """Both towers of a CLIP model of open_clip.

    Args:
        model: Name in open_clip, e.g. ``'ViT-B-32'``.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log and ``random`` in the name: numbers of them mean nothing.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: open_clip has no such model, or the file does not fit it.
    """

    def __init__(self, model: str, pretrained: str | None = None) -> None:
        import open_clip

        super().__init__(model, pretrained)
        self.tokenizer = open_clip.get_tokenizer(model)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Text embeddings; what is longer than the context is cut, as in training."""
        return self.net.encode_text(self.tokenizer(list(texts)).to(self.mean.device)).float()
