"""Two views of one item: a crop at full size and one at half size, flipped and put through a random transform."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from conviqt_cli.model.networks import half_size
from conviqt_cli.training.distortions.distortion import Pixels

#: How often a view is transformed in colour or frequency.
TRANSFORM_SHARE = 0.25

TRANSFORMS = ("grey", "opponent", "band_pass", "local_mean")


def two_views(pixels: Pixels, side: int, rng: np.random.Generator) -> Tensor:
    """(2, 3, side, side) float in [0, 1]: part of ``pixels`` (h, w, 3) at full size, and a wider part at half size.

    ``pixels`` must be at least ``2 * side`` in height and width.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
    full = _crop(tensor, side, rng)
    half = half_size(_crop(tensor, 2 * side, rng))
    return torch.cat([_augmented(view.float() / 255, rng) for view in (full, half)])


def _crop(tensor: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    top, left = (int(rng.integers(0, length - side + 1)) for length in tensor.shape[2:])
    return tensor[:, :, top : top + side, left : left + side]


def _augmented(view: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.5:
        view = view.flip(3)
    if rng.random() < TRANSFORM_SHARE:
        view = transformed(view, TRANSFORMS[int(rng.integers(len(TRANSFORMS)))])
    return view


def transformed(view: Tensor, name: str) -> Tensor:
    """A colour space or pass band of ``view`` (n, 3, h, w) in [0, 1], in [0, 1] again (CONTRIQUE, section III-C)."""
    red, green, blue = view.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    if name == "grey":
        return luma[:, None].expand_as(view)
    if name == "opponent":
        return torch.stack([luma, (red - luma) * 0.713 + 0.5, (blue - luma) * 0.564 + 0.5], 1).clamp(0, 1)
    # A box three times over is close enough to a Gaussian, and the same on every device.
    smooth = view
    for _ in range(3):
        smooth = avg_pool2d(pad(smooth, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    if name == "band_pass":
        return (0.5 + 2 * (view - smooth)).clamp(0, 1)
    if name == "local_mean":
        return smooth
    raise ValueError(f"unknown transform {name!r}; choose one of {', '.join(TRANSFORMS)}")
