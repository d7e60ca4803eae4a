"""The projector: what the contrastive loss sees instead of the features, and what is thrown away after training."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import normalize


class Projector(nn.Module):
    """Features (n, d) to unit embeddings (n, 128): d-d-128 with batch norm (CONVIQT, section III-C)."""

    OUTPUT = 128

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(inplace=True),
            nn.Linear(features, self.OUTPUT),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Unit rows."""
        return normalize(self.layers(features).float(), dim=1)
