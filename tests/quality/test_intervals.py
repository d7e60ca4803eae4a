"""Prediction intervals: the rank they take, what groups change, what they promise, and what damage is refused."""

import numpy as np
import pytest

from conviqt_cli.errors import RegressorError
from conviqt_cli.quality.intervals import Intervals


def calibrated(residuals, groups=None, clips=1):
    residuals = np.asarray(residuals, dtype=float)
    count = len(residuals)
    groups = np.arange(count) if groups is None else np.asarray(groups)
    owner = np.repeat(np.arange(count), clips)
    return Intervals.calibrate(residuals, groups, np.zeros(count), np.zeros(count * clips), owner)


@pytest.mark.parametrize("count", [9, 10, 19, 37, 100])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_one_video_a_content_takes_the_textbook_rank(count, level):
    residuals = np.random.default_rng(count).normal(size=count)
    rank = int(np.ceil((count + 1) * level - 1e-9))
    expected = np.sort(np.abs(residuals))[rank - 1] if rank <= count else np.inf
    assert calibrated(residuals).half_width(level) == expected


def test_ninety_percent_needs_nine_contents_however_many_videos():
    assert calibrated(np.ones(9)).half_width(0.9) == 1.0
    assert calibrated(np.ones(800), groups=np.arange(800) % 8).half_width(0.9) == np.inf


def test_each_content_weighs_the_same():
    # One content of 1,000 easy videos must not hide eleven hard ones.
    residuals = np.r_[np.full(1000, 0.1), np.full(11, 2.0)]
    groups = np.r_[np.zeros(1000), np.arange(1, 12)]
    assert calibrated(residuals, groups).half_width(0.9) == 2.0


def test_coverage_on_new_contents_is_the_nominal_one():
    random = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        shift = random.normal(size=41)  # what the versions of a content share
        residuals = shift[:, None] + 0.3 * random.normal(size=(41, 5))
        seen, new = residuals[:40].ravel(), residuals[40]
        covered.append(np.mean(np.abs(new) <= calibrated(seen, np.repeat(np.arange(40), 5)).half_width(0.9)))
    assert 0.88 <= np.mean(covered) <= 0.94


def test_a_clip_interval_is_of_single_clips():
    random = np.random.default_rng(1)
    clips = random.normal(size=(50, 8))
    owner = np.repeat(np.arange(50), 8)
    mos = np.zeros(50)
    found = Intervals.calibrate(mos, np.arange(50), clips.mean(axis=1), clips.ravel(), owner)
    assert found.half_width(0.9, "clip") > 2 * found.half_width(0.9, "video")
    low, high = found.interval(np.array([3.0, 4.0]), 0.9, "clip")
    assert np.allclose(high - low, 2 * found.half_width(0.9, "clip"))


def test_damage_is_refused():
    good = calibrated(np.arange(20.0)).to_tensors()
    for name, value in {
        "intervals.video_residuals": np.arange(20.0)[::-1].copy(),
        "intervals.clip_weights": np.full(20, np.nan),
        "intervals.video_weights": np.full(19, 1 / 19),
        "intervals.contents": np.array([], dtype=np.int64),
    }.items():
        with pytest.raises(RegressorError, match="damaged intervals"):
            Intervals.from_tensors({**good, name: value})
    assert Intervals.from_tensors({}) is None


def test_a_level_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="level"):
        calibrated(np.ones(30)).half_width(1.0)
