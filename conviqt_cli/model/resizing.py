"""Pictures at other sizes: the half size of the published protocol, and the size at which a viewer sees them."""

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


def resized(pictures: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """RGB pictures (n, h, w, 3) at another ``size`` (height, width), bicubic with antialiasing, rounded."""
    if pictures.shape[1:3] == size:
        return pictures
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    scaled = torch.nn.functional.interpolate(tensor, size, mode="bicubic", antialias=True)
    made: NDArray[np.uint8] = scaled.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return made
