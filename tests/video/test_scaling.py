"""Scaling gives what PyTorch's antialiased bicubic interpolation gives, whatever part of the picture is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conviqt_cli.video.picture import Rectangle, RgbPicture
from conviqt_cli.video.scaling import shown

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.mark.parametrize("size", [(90, 120), (60, 80), (33, 41), (300, 401), (60, 40)])
def test_whole_and_parts(size):
    picture = RgbPicture(PIXELS)
    tensor = torch.from_numpy(PIXELS).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(tensor, size, mode="bicubic", antialias=True)
    reference = expected[0].permute(1, 2, 0).round().clamp(0, 255).numpy()
    whole = shown(picture, size)
    assert np.abs(whole - reference).max() <= 1
    for area in (Rectangle(0, 0, 16, 16), Rectangle(size[1] - 20, size[0] - 17, 20, 17), Rectangle(9, 5, 25, 21)):
        assert np.abs(shown(picture, size, area).astype(int) - area.of(whole)).max() <= 1
