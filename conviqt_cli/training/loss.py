"""The contrastive loss: items of one distortion class attract each other, all others repel.

Normalised temperature-scaled cross entropy with many positives (CONTRIQUE, section III-B; CONVIQT, section III-C).
Classes are multi-hot, type and level together: two items that share one of two distortions are half positives.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from conviqt_cli.training.projector import Projector

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

    def first(self, count: int) -> Items:
        """The first ``count`` of them."""
        return Items(self.embeddings[:count], self.classes[:count], self.authentic[:count])


def joined(*parts: Items | None) -> Items | None:
    """All items of the parts that there are, in order; ``None`` when there are none."""
    found = [part for part in parts if part is not None]
    if len(found) < 2:
        return found[0] if found else None
    fields = ("embeddings", "classes", "authentic")
    return Items(*(torch.cat([getattr(part, name) for part in found]) for name in fields))


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
    candidates = joined(items, more) or items
    similarity = items.embeddings @ candidates.embeddings.T / temperature
    weight = affinity(items, candidates)
    itself = torch.zeros_like(similarity, dtype=torch.bool).fill_diagonal_(True)
    log_share = similarity.masked_fill(itself, -torch.inf).log_softmax(dim=1).masked_fill(itself, 0.0)
    weight = weight.masked_fill(itself, 0.0)
    total = weight.sum(dim=1)
    loss = -(weight * log_share).sum(dim=1) / total.clamp_min(1e-9)
    return loss[total > 0].mean()


class Memory:
    """Items of earlier batches, the oldest replaced first: what a small machine has instead of a batch of 1024.

    Cross-batch memory: Wang et al., "Cross-batch memory for embedding learning", CVPR 2020. Not part of the paper.
    """

    def __init__(self, size: int, classes: int, device: torch.device) -> None:
        self._embeddings = torch.zeros(size, Projector.OUTPUT, device=device)
        self._classes = torch.zeros(size, classes, device=device)
        self._authentic = torch.full((size,), SYNTHETIC, dtype=torch.int64, device=device)
        self._written = 0

    def items(self) -> Items | None:
        """What is remembered; ``None`` before anything was."""
        filled = min(self._written, len(self._embeddings))
        return Items(self._embeddings, self._classes, self._authentic).first(filled) if filled else None

    def add(self, items: Items) -> None:
        """Remember these, without their gradients."""
        size = len(self._embeddings)
        items = items.first(size)
        place = (torch.arange(len(items.embeddings)) + self._written) % max(size, 1)
        self._embeddings[place] = items.embeddings.detach().float()
        self._classes[place] = items.classes
        self._authentic[place] = items.authentic
        self._written += len(items.embeddings)

    def state(self) -> dict[str, object]:
        """All that :meth:`restore` needs."""
        return {
            "embeddings": self._embeddings, "classes": self._classes, "authentic": self._authentic,
            "written": self._written,
        }  # fmt: skip

    def restore(self, state: dict[str, object]) -> None:
        """Go back to a state."""
        for name in ("embeddings", "classes", "authentic"):
            getattr(self, f"_{name}").copy_(state[name])
        self._written = int(state["written"])  # type: ignore[call-overload]


@torch.no_grad()
def neighbour_accuracy(items: Items, item_of: Tensor) -> float:
    """Share of rows whose most similar row of another item is of the same class: how well classes are told apart.

    ``item_of`` (n,) says which rows are views of one item. Authentic rows are left out: each is alone in its class.
    """
    similarity = items.embeddings.float() @ items.embeddings.float().T
    similarity[item_of[:, None] == item_of[None, :]] = -torch.inf
    nearest = similarity.argmax(dim=1)
    right = (items.classes == items.classes[nearest]).all(dim=1) & (items.authentic[nearest] == SYNTHETIC)
    known = items.authentic == SYNTHETIC
    return float(right[known].float().mean()) if bool(known.any()) else float("nan")
