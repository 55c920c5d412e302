"""Neighbors among latents, and a latent as a combination of its neighbors."""

import torch
from torch import Tensor

RIDGE = 1e-3  # relative to the mean square of the differences, as is usual for LLE


def nearest(z: Tensor, latents: Tensor, count: int) -> Tensor:
    """Numbers ``(B, count)`` of the latents nearest to each of ``z``, the nearest first.

    The latent nearest of all is left out: of a latent of the set, that is itself.

    Args:
        z: ``(B, C)``.
        latents: ``(M, C)``, with ``M > count``.
        count: How many.
    """
    distances = torch.cdist(z.detach(), latents.detach())  # (B, M)
    return distances.topk(count + 1, largest=False).indices[:, 1:]


def barycentric_weights(z: Tensor, neighbors: Tensor) -> Tensor:
    """Weights of sum 1 with which neighbors come closest to a latent (Roweis and Saul 2000).

    They minimize ``|z - sum_j w_j neighbors_j|^2``, whose Gram matrix of differences is made
    regular by a multiple of the identity.

    Args:
        z: ``(B, C)``.
        neighbors: ``(B, K, C)``.

    Returns:
        ``(B, K)``; negative where a latent lies outside of its neighbors.
    """
    differences = neighbors - z[:, None]
    gram = differences @ differences.mT  # (B, K, K)
    scale = gram.diagonal(dim1=1, dim2=2).mean(1).clamp_min(1e-12)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    ones = gram.new_ones(gram.shape[:2])
    # Relative to the scale, so that float32 suffices for latents of any size.
    weights = torch.linalg.solve(gram / scale[:, None, None] + RIDGE * eye, ones)
    return weights / weights.sum(1, keepdim=True)
