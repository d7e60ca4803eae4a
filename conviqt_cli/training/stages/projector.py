"""The projector: what the contrastive loss sees instead of the features, and what is thrown away after training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class Projector(nn.Module):
    """Features (n, d) to unit embeddings (n, 128) and their cosines to one learned centre a class (n, classes).

    d-d-128 with batch norm (CONVIQT, section III-C); the centres are ours, see :func:`.loss.centre_loss`.
    """

    OUTPUT = 128

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(inplace=True),
            nn.Linear(features, self.OUTPUT),
        )
        self.centres = nn.Parameter(normalize(torch.randn(classes, self.OUTPUT), dim=1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and cosines, float32."""
        embeddings = normalize(self.layers(features).float(), dim=1)
        return embeddings, embeddings @ normalize(self.centres, dim=1).T
