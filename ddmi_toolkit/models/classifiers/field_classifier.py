"""A small network that tells what a shape is from its occupancy on a grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from ...layers.resnet import group_norm
from ...registry import MODELS
from ...structures import Field, Grid
from .questions import UNASKED, Question, answers_of, facts_of


@MODELS.register_module()
class FieldClassifier(BaseModel):
    """Convolutions over an occupancy grid, one linear head per question.

    It judges generated shapes, so it sees of a field what is inside at the centers of a grid's
    cells, and nothing else.

    Args:
        questions: The classes of each question and their facts, see :class:`Question`.
        resolution: Cells ``R`` along each side of the grid, a multiple of 8.
        extent: The grid fills the cube ``[-extent, extent]``³, in data units.
        base_channels: Channels of the first of three levels; the others have twice and four times
            as many.
        hidden_channels: Features that the heads share.
        dropout: Share of these features that training leaves out.
        headline: The questions whose mean accuracy sums a model up; None is all of them.
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: Another resolution, no question, or a headline that is none of them.
    """

    def __init__(
        self,
        questions: Mapping[str, Mapping[str, Mapping[str, Any]]],
        resolution: int = 48,
        extent: float = 0.55,
        base_channels: int = 16,
        hidden_channels: int = 128,
        dropout: float = 0.2,
        headline: Sequence[str] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        if resolution < 8 or resolution % 8:
            raise ValueError(f'resolution={resolution} must be a multiple of 8')
        if not questions:
            raise ValueError('questions is empty; ask at least one')
        if unknown := sorted(set(headline or ()) - set(questions)):
            raise ValueError(f'headline has {unknown}; the questions are {list(questions)}')
        self.questions = [Question(name, classes) for name, classes in questions.items()]
        self.headline = tuple(questions if headline is None else headline)
        self.resolution, self.extent = resolution, extent
        c = base_channels
        self.trunk = nn.Sequential(
            *_block(8, c),
            *_block(c, 2 * c, stride=2),
            *_block(2 * c, 2 * c),
            *_block(2 * c, 4 * c, stride=2),
            *_block(4 * c, 4 * c),
            nn.AdaptiveAvgPool3d(3),  # keeps where in the shape a feature is
            nn.Flatten(),
            nn.Linear(27 * 4 * c, hidden_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
        ).to(memory_format=torch.channels_last_3d)
        self.heads = nn.ModuleDict(
            {q.name: nn.Linear(hidden_channels, len(q.classes)) for q in self.questions}
        )

    def grid(self, field: Field, threshold: float = 0.5) -> Tensor:
        """What of occupancy fields is inside at the centers of cells, ``(B, R, R, R)`` bool.

        Args:
            field: Logits over three axes.
            threshold: Probability from which a point counts as inside.

        Raises:
            ValueError: The field has another number of axes or channels.
        """
        if field.layout.dim != 3 or field.out_channels != 1:
            raise ValueError(
                f'the classifier looks at occupancy over three axes; the field has '
                f'{field.out_channels} channels over {"".join(field.layout.axes)!r}'
            )
        like = next(iter(field.state.values()))
        steps = (torch.arange(self.resolution, device=like.device) + 0.5) / self.resolution
        centers = ((2 * steps - 1) * self.extent).expand(len(field), -1)
        grid = Grid(dict.fromkeys(field.layout.axes, centers), field.layout)
        level = torch.logit(torch.tensor(threshold)).item()
        return field.chunked(grid, 2**16)[..., 0] > level

    def logits(self, grid: Tensor) -> dict[str, Tensor]:
        """Scores ``(B, K)`` of the classes of each question.

        Args:
            grid: ``(B, R, R, R)``, 1 inside; the axes are x, y, z.

        Raises:
            ValueError: A grid of another size.
        """
        size = self.resolution
        if grid.ndim != 4 or grid.shape[1:] != (size, size, size):
            raise ValueError(
                f'occupancy of shape {tuple(grid.shape)}; the classifier takes '
                f'(B, {size}, {size}, {size}), set the resolution of the data to its own'
            )
        dtype = next(self.parameters()).dtype
        x = _blocks_to_channels(grid.to(dtype) - 0.5)
        hidden = self.trunk(x.contiguous(memory_format=torch.channels_last_3d))
        return {name: head(hidden) for name, head in self.heads.items()}

    def answers(self, meta: Mapping[str, Any] | None, count: int) -> dict[str, Tensor]:
        """True classes ``(B,)`` by question, ``UNASKED`` where a batch's ``meta`` does not tell."""
        return answers_of(self.questions, facts_of(meta, count))

    def forward(
        self,
        inputs: Tensor,
        meta: Mapping[str, Any] | None = None,
        seed: Tensor | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """Losses of a batch, or what each shape is taken for.

        Args:
            inputs: Occupancy ``(B, R, R, R)``, 1 inside.
            meta: What is known of the shapes.
            seed: Unused here.
            mode: ``'loss'`` or ``'predict'``.

        Returns:
            A cross entropy and an accuracy per question; or per shape ``dict(scores, truth)``:
            probabilities ``(K,)`` and the index of the class, by question.

        Raises:
            ValueError: Nothing is known of the shapes that are trained on.
        """
        logits = self.logits(inputs)
        truth = self.answers(meta, len(inputs))
        if mode == 'loss':
            return self._losses(logits, {k: v.to(inputs.device) for k, v in truth.items()}, meta)
        return [
            dict(
                scores={k: v[i].softmax(-1) for k, v in logits.items()},
                truth={k: int(v[i]) for k, v in truth.items()},
            )
            for i in range(len(inputs))
        ]

    def _losses(
        self, logits: dict[str, Tensor], truth: dict[str, Tensor], meta: Mapping[str, Any] | None
    ) -> dict[str, Tensor]:
        if all((v == UNASKED).all() for v in truth.values()):
            reads = sorted(set().union(*(q.reads for q in self.questions)))
            raise ValueError(
                f"the batch's meta has {sorted(meta or {})}, which answers none of the questions "
                f'{list(truth)}; they read {reads}'
            )
        out = {}
        for name, scores in logits.items():
            wanted = truth[name]
            is_asked = wanted != UNASKED
            # A sum, so that a question that nobody in the batch answers counts zero.
            each = F.cross_entropy(scores, wanted, ignore_index=UNASKED, reduction='sum')
            count = is_asked.sum().clamp(min=1)
            out[f'loss_{name}'] = each / count
            hits = (scores.argmax(-1) == wanted) & is_asked
            out[f'accuracy_{name}'] = hits.sum() / count
        return out


def _block(in_channels: int, out_channels: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv3d(in_channels, out_channels, 3, stride, padding=1, bias=False)
    return [conv, group_norm(out_channels, num_groups=8), nn.ReLU(inplace=True)]


def _blocks_to_channels(grid: Tensor) -> Tensor:
    """Blocks of 2 x 2 x 2 cells as channels, ``(B, 8, R/2, R/2, R/2)``: a cheap first layer."""
    batch, size, half = len(grid), grid.shape[1], grid.shape[1] // 2
    cut = grid.reshape(batch, half, 2, half, 2, half, 2)
    return cut.permute(0, 2, 4, 6, 1, 3, 5).reshape(batch, 8, half, half, size // 2)
