"""Conditions that are one of a few classes."""

import torch
from torch import Tensor, nn

from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class LabelConditioner(AbstractConditioner):
    """One learned vector per class; no context.

    Args:
        num_classes: Number of classes.
        channels: Channels ``D`` of the vector.
        drop_probability: See :class:`AbstractConditioner`.
    """

    def __init__(self, num_classes: int, channels: int, drop_probability: float = 0.1) -> None:
        super().__init__(channels, None, drop_probability)
        self.embedding = nn.Embedding(num_classes, channels)

    def embed(self, raw: Tensor) -> Condition:
        """Vectors of class labels ``(B,)``, integers from 0.

        Raises:
            ValueError: Not integers ``(B,)``, or a label that no class has.
        """
        labels = torch.as_tensor(raw, device=self.embedding.weight.device)
        if labels.ndim != 1 or labels.is_floating_point():
            raise ValueError(
                f'labels are {labels.dtype} of shape {tuple(labels.shape)}; expected integers (B,)'
            )
        num_classes = self.embedding.num_embeddings
        if len(labels) and not (labels.min() >= 0 and labels.max() < num_classes):
            raise ValueError(
                f'labels reach from {int(labels.min())} to {int(labels.max())}, there are '
                f'num_classes={num_classes} from 0'
            )
        return dict(vector=self.embedding(labels), context=None)
