"""A denoiser of vectors."""

import torch.nn.functional as F
from torch import Tensor, nn

from ddmi_toolkit.layers.embedding import timestep_embedding
from ddmi_toolkit.models.denoisers.base import AbstractDenoiser, Cond, read_cond
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

TIME_CHANNELS = 256  # sinusoids of the noise level, as in the package's other denoisers


@MODELS.register_module()
class ResidualMLP(AbstractDenoiser):
    """Residual fully connected network on the whole latent as one vector (Functa's denoiser).

    A block is ``h + linear(dropout(silu(linear(norm(h)) + linear(time))))``, and starts as the
    identity. The network starts by predicting zero.

    Args:
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        hidden_channels: Width.
        num_blocks: Residual blocks.
        dropout: Probability that a feature of a block is dropped in training.
        cond_channels: Width of a condition vector that is added to the time embedding; None
            builds an unconditional network.

    Raises:
        ValueError: No block.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        channels: int,
        hidden_channels: int = 512,
        num_blocks: int = 4,
        dropout: float = 0.0,
        cond_channels: int | None = None,
    ) -> None:
        super().__init__()
        if num_blocks < 1:
            raise ValueError(f'num_blocks={num_blocks} must be at least 1')
        self.shape = channels, layout.num_tokens()
        self.cond_channels = cond_channels
        size, wide = channels * layout.num_tokens(), hidden_channels
        self.time_embed = nn.Sequential(nn.Linear(TIME_CHANNELS, wide), nn.SiLU())
        self.cond_embed = None if cond_channels is None else nn.Linear(cond_channels, wide)
        self.stem = nn.Linear(size, wide)
        self.blocks = nn.ModuleList(_Block(wide, dropout) for _ in range(num_blocks))
        self.head = nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, size))
        nn.init.zeros_(self.head[-1].weight)
        nn.init.zeros_(self.head[-1].bias)

    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """``(B, C, N)`` and noise levels ``(B,)`` to ``(B, C, N)``.

        Raises:
            ValueError: A condition that the network was not built for, or none where it was.
        """
        vector, _ = read_cond(cond, 'ResidualMLP', len(z_t), self.cond_channels)
        emb = self.time_embed(timestep_embedding(t, TIME_CHANNELS).to(z_t.dtype))
        if vector is not None:
            emb = emb + self.cond_embed(vector)
        h = self.stem(z_t.flatten(1))
        for block in self.blocks:
            h = block(h, emb)
        return self.head(h).unflatten(1, self.shape)


class _Block(nn.Module):
    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, channels)
        self.time = nn.Linear(channels, channels, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(channels, channels)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, h: Tensor, emb: Tensor) -> Tensor:
        return h + self.fc2(self.dropout(F.silu(self.fc1(self.norm(h)) + self.time(emb))))
