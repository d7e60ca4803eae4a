"""What a picture plan looks at, seen through an encoder that remembers the pictures it was given."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import CROPS, WHOLE, Display
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture


class Mean:
    """An encoder whose feature of a picture is its mean colour, in the first three of 2048 values, and one."""

    device, backend, precision, encoder_id = "cpu", "none", "fp32", "mean"

    def __init__(self):
        self.shapes = []

    def pooled(self, pictures):
        self.shapes.append(pictures.shape)
        rows = np.zeros((len(pictures), 2048), np.float32)
        rows[:, :3] = pictures.mean((1, 2))
        rows[:, 3] = 1
        return rows

    def spatial(self, frames):
        self.shapes.append(frames.shape)
        return np.repeat(self.pooled(frames), 2, axis=1)

    def batch_frames(self, height, width):
        return 8


def clip(first, size=(300, 400), count=16):
    frames = [
        Frame(index, index / 25, 0.04, RgbPicture(np.full((*size, 3), index + 1, np.uint8)))
        for index in range(first, first + count)
    ]
    return Clip(tuple(frames + frames[-1:] * (16 - count)), repeated=16 - count)


def test_crops_look_at_every_eighth_frame_at_two_scales():
    counts: list[int] = []
    encoder = Mean()
    extractor = FeatureExtractor(encoder, CROPS, on_frames=counts.append)
    rows = extractor.spatial(clip(0))
    assert rows.shape == (2, 4096) and encoder.shapes == [(4, 256, 256, 3), (4, 128, 128, 3)]
    length = np.sqrt(3 * np.array([1, 9]) ** 2 + 1)
    assert np.allclose(rows[:, 0], [1, 9] / length) and np.allclose(rows[:, 2048], rows[:, 0])
    extractor.spatial(clip(8))
    assert counts == [2, 4] and extractor.count == 4


def test_whole_pictures_are_computed_once_a_frame():
    encoder = Mean()
    extractor = FeatureExtractor(encoder, WHOLE)
    assert extractor.spatial(clip(0)).shape == (16, 4096)
    extractor.spatial(clip(4))
    assert extractor.count == 20


@pytest.mark.parametrize(("plan", "shape"), [(CROPS, (8, 256, 256, 3)), (WHOLE, (1, 300, 400, 3))])
def test_a_still_goes_through_the_network_once(plan, shape):
    encoder = Mean()
    rows = FeatureExtractor(encoder, plan).spatial(clip(0, count=1))
    assert encoder.shapes[0] == shape and np.ptp(rows, axis=0).max() == 0
    assert len(rows) == len(plan.frames(16))


def test_the_display_size_is_what_is_looked_at():
    encoder = Mean()
    FeatureExtractor(encoder, WHOLE, Display(60)).spatial(clip(0))
    assert encoder.shapes[0] == (8, 60, 80, 3)
    small = Mean()
    FeatureExtractor(small, CROPS, Display(1080)).spatial(clip(0, size=(36, 64)))
    assert small.shapes[0] == (4, 256, 256, 3)
