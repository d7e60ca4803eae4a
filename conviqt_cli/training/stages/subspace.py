"""The few directions of feature space in which clips differ: what the temporal stage is trained in.

Frozen features have 2048 entries a scale, most of which say what is shown. In the leading directions of the features
and of their changes from frame to frame, a step costs half as much and there is less to learn by heart. A GRU that was
trained on coordinates in these directions is one on the features themselves, by a product of two matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from conviqt_cli.model.networks import FEATURES

#: Clips that are converted to float32 at once.
_AT_ONCE = 256


@dataclass(frozen=True)
class Subspace:
    """Orthonormal ``axes`` (2048, k) and a ``centre`` (2048,); both scales share them."""

    centre: Tensor
    axes: Tensor

    @classmethod
    def of(cls, features: Tensor, count: int) -> Subspace:
        """``count`` directions of features (n, frames, 4096): two thirds of frames, the others of their changes."""
        total, of_frames, of_changes = torch.zeros(FEATURES), _Products(), _Products()
        for part in torch.split(features, _AT_ONCE):
            scales = _scales(part)
            frames = scales.reshape(-1, FEATURES)
            total += frames.sum(dim=0)
            of_frames.add(frames)
            of_changes.add(scales.diff(dim=1).reshape(-1, FEATURES))
        centre = total / of_frames.rows
        spread = of_frames.total - of_frames.rows * torch.outer(centre, centre)
        static = _leading(spread, count - count // 3)
        rest = torch.eye(FEATURES) - static @ static.T
        moving = _leading(rest @ of_changes.total @ rest, count // 3)
        return cls(centre, torch.linalg.qr(torch.cat([static, moving], dim=1))[0])

    def coordinates(self, features: Tensor) -> Tensor:
        """Features (n, frames, 4096) to (n, frames, 2k) float32, full scale, then half."""
        parts = (_scales(part) for part in torch.split(features, _AT_ONCE))
        return torch.cat([((part - self.centre) @ self.axes).flatten(2) for part in parts])

    def merged(self, gru: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights, by PyTorch's names, of the GRU on features that does what this one does on coordinates."""
        inputs = gru["weight_ih_l0"] @ self.axes.T
        return {**gru, "weight_ih_l0": inputs, "bias_ih_l0": gru["bias_ih_l0"] - inputs @ self.centre}


class _Products:
    """The sum of the outer products of rows with themselves, and how many there were."""

    def __init__(self) -> None:
        self.total, self.rows = torch.zeros(FEATURES, FEATURES), 0

    def add(self, rows: Tensor) -> None:
        self.total += rows.T @ rows
        self.rows += len(rows)


def _leading(products: Tensor, count: int) -> Tensor:
    """The ``count`` directions (2048, count) of most energy."""
    vectors: Tensor = torch.linalg.eigh(products)[1]
    return vectors[:, -count:].flip(1)


def _scales(features: Tensor) -> Tensor:
    """Features (n, frames, 4096) as (n, frames, 2, 2048) float32."""
    return features.float().reshape(len(features), -1, 2, FEATURES)
