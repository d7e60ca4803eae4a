"""The contrastive loss: items of one distortion class attract each other, all others repel.

Normalised temperature-scaled cross entropy with many positives (CONTRIQUE, section III-B; CONVIQT, section III-C).
Classes are multi-hot, type and level together: two items that share one of two distortions are half positives.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

TEMPERATURE = 0.1

#: ``authentic`` of an item whose distortion is known.
SYNTHETIC = -1


@dataclass(frozen=True)
class Items:
    """What is compared.

    ``embeddings`` (n, d) float, unit rows; ``classes`` (n, c) float, multi-hot, all zero for authentic items;
    ``authentic`` (n,) int64, which authentic content an item is from, or :data:`SYNTHETIC`. Each authentic content is
    a class of its own.
    """

    embeddings: Tensor
    classes: Tensor
    authentic: Tensor

    def joined(self, more: Items | None) -> Items:
        """These items, then ``more``, if there are any."""
        if more is None:
            return self
        fields = ("embeddings", "classes", "authentic")
        return Items(*(torch.cat([getattr(self, name), getattr(more, name)]) for name in fields))


def affinity(some: Items, others: Items) -> Tensor:
    """How far each pair is a positive, (n, m) in [0, 1]: the cosine of the multi-hot classes, or one content."""
    shared = normalize(some.classes, dim=1) @ normalize(others.classes, dim=1).T
    same = (some.authentic[:, None] == others.authentic[None, :]) & (some.authentic[:, None] != SYNTHETIC)
    return torch.where(same, 1.0, shared)


def contrastive_loss(items: Items, more: Items | None = None, temperature: float = TEMPERATURE) -> Tensor:
    """Mean loss over ``items``, a scalar; ``more`` are further items to compare with, that get no loss themselves.

    For item i with affinity a_ij and similarity s_ij (both without i itself):
    -sum_j a_ij log softmax_j(s_ij / temperature) / sum_j a_ij. Items without any positive count nothing.
    """
    candidates = items.joined(more)
    similarity = items.embeddings @ candidates.embeddings.T / temperature
    weight = affinity(items, candidates)
    itself = torch.zeros_like(similarity, dtype=torch.bool).fill_diagonal_(True)
    log_share = similarity.masked_fill(itself, -torch.inf).log_softmax(dim=1).masked_fill(itself, 0.0)
    weight = weight.masked_fill(itself, 0.0)
    total = weight.sum(dim=1)
    loss = -(weight * log_share).sum(dim=1) / total.clamp_min(1e-9)
    return loss[total > 0].mean()


def centre_loss(to_centres: Tensor, classes: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Mean cross entropy of items against all classes at once, a scalar: what a small batch cannot show.

    ``to_centres`` (n, c) are cosines between embeddings and one learned centre a class, ``classes`` (n, c) multi-hot;
    a mixed item is half of each part, and authentic items, which have no centre, count nothing. The published training
    compares 1024 items at once instead; centres do so for batches of tens (Movshovitz-Attias et al., "No fuss distance
    metric learning using proxies", ICCV 2017).
    """
    known = classes.sum(dim=1) > 0
    wanted = classes / classes.sum(dim=1, keepdim=True).clamp_min(1)
    return -(wanted * (to_centres / temperature).log_softmax(dim=1)).sum(dim=1)[known].mean()


@torch.no_grad()
def accuracy(to_centres: Tensor, classes: Tensor) -> float:
    """Share of items of known class whose nearest centre is (one of) theirs; NaN when there are none."""
    known = classes.sum(dim=1) > 0
    right = classes.gather(1, to_centres.argmax(dim=1, keepdim=True))[:, 0] > 0
    return float(right[known].float().mean())


def authentic_ids(classes: Tensor, contents: Tensor) -> Tensor:
    """What the loss calls ``authentic``: the content of items without a class, ``SYNTHETIC`` for the others; (n,)."""
    return torch.where(classes.sum(dim=1) == 0, contents, SYNTHETIC)
