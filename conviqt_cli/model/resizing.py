"""The half size of the published protocol, for pictures as arrays."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from conviqt_cli.model import networks


def half_size(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB pictures (n, h, w, 3) at (h // 2, w // 2), bilinear with antialiasing, rounded (Pillow's convention)."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    small: NDArray[np.uint8] = networks.half_size(tensor).permute(0, 2, 3, 1).contiguous().numpy()
    return small
