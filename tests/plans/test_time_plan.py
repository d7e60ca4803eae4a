"""Which frames become clips."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.plans.clips import Clip, clips
from conviqt_cli.plans.time_plan import CLIP_LENGTH, DENSE, SPARSE, SPARSE_MIN_CLIPS, SamplingPlan, parse_plan
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture

PICTURE = RgbPicture(np.zeros((2, 2, 3), np.uint8))


def stream(count, fps=25.0, offset=0.0):
    return [Frame(index, offset + index / fps, 1 / fps, PICTURE) for index in range(count)]


def indices(frames, plan, duration=None):
    return [[frame.index for frame in clip.frames] for clip in clips(frames, plan, duration)]


@pytest.mark.parametrize("count", [16, 17, 31, 32, 33, 100])
@pytest.mark.parametrize(
    "plan", [DENSE, SPARSE, SamplingPlan("every:0.5", 0.5), SamplingPlan("many", 2.0, min_clips=3)]
)
def test_clips_are_consecutive_and_the_end_is_seen(count, plan):
    found = indices(stream(count), plan, count / 25)
    for clip in found:
        assert clip == list(range(clip[0], clip[0] + CLIP_LENGTH))
    assert found[0][0] == 0 and found[-1][-1] == count - 1
    assert [clip[0] for clip in found] == sorted({clip[0] for clip in found})


@pytest.mark.parametrize("count", [16, 17, 45, 64])
def test_dense_sees_every_frame_and_is_the_published_protocol(count):
    found = indices(stream(count), DENSE)
    assert {index for clip in found for index in clip} == set(range(count))
    whole = count // CLIP_LENGTH
    assert [clip[0] for clip in found[:whole]] == [CLIP_LENGTH * k for k in range(whole)]


@pytest.mark.parametrize("count", [1, 2, 15])
def test_short_videos_repeat_their_last_frame(count):
    (clip,) = clips(stream(count), SPARSE, count / 25)
    assert [frame.index for frame in clip.frames] == [*range(count), *[count - 1] * (CLIP_LENGTH - count)]
    assert clip.repeated == CLIP_LENGTH - count
    assert clip.end == pytest.approx(count / 25)


def test_no_frames_no_clips():
    assert list(clips([], SPARSE, None)) == []


def test_sparse_clips_begin_at_even_times_whatever_the_rate_or_offset():
    for fps, offset in ((25.0, 0.0), (29.97, 1.4), (60.0, 0.0)):
        found = list(clips(stream(int(fps * 10), fps, offset), SamplingPlan("every:2", 2.0), 10.0))
        starts = [clip.start - offset for clip in found[:-1]]
        assert starts == pytest.approx([0, 2, 4, 6, 8], abs=1.01 / fps)


def test_long_videos_spread_their_clips_over_all_of_it():
    plan = SamplingPlan("sparse", 1.0, max_clips=10)
    found = list(clips(stream(25 * 100), plan, 100.0))
    assert len(found) == 11 and [clip.start for clip in found[:-1]] == pytest.approx(range(0, 100, 10))


@pytest.mark.parametrize(("fps", "stated"), [(25.0, None), (25.0, 10.0), (1.0, None)])
def test_a_length_that_is_unknown_or_wrong_does_not_mean_more_clips(fps, stated):
    plan = SamplingPlan("sparse", 1.0, max_clips=10, min_clips=8)
    kept: list[Clip] = []
    for clip in clips(stream(4000, fps), plan, stated):
        if clip.thins:
            del kept[1::2]
        kept.append(clip)
        assert len(kept) <= 13
    starts = np.array([clip.start for clip in kept[:-1]])
    assert len(kept) >= 6 and kept[-1].frames[-1].index == 3999
    assert np.ptp(np.diff(starts)) <= 17 / fps  # evenly spread, but for a clip's length


def test_slow_and_burst_clocks():
    # One frame a second: every frame is in a clip. A thousand frames in a millisecond: as few clips as allowed.
    assert len(indices(stream(48, fps=1.0), SPARSE, 48.0)) == 3
    assert len(indices(stream(1000, fps=1e6), SamplingPlan("every:1", 1.0), 0.001)) == 2
    assert len(indices(stream(1000, fps=1e6), SPARSE, 0.001)) <= SPARSE_MIN_CLIPS + 1


@pytest.mark.parametrize("plan", [DENSE, SPARSE, SamplingPlan("every:3", 3.0)])
@pytest.mark.parametrize("count", [1, 10, 16, 20, 48, 333])
def test_the_expected_number_of_frames_is_right_at_a_constant_rate(plan, count):
    looked_at = {index for clip in indices(stream(count), plan, count / 25) for index in clip}
    assert plan.expected_frames(count / 25, 25.0) == len(looked_at)


@pytest.mark.parametrize("text", ["", "every", "every:", "every:0", "every:-1", "every:nan", "every:inf", "often"])
def test_nonsense_plans_are_refused(text):
    with pytest.raises(UsageError, match="every:SECONDS"):
        parse_plan(text)


def test_short_videos_are_sampled_more_densely():
    plan = SamplingPlan("sparse", 1.0, max_clips=100, min_clips=8)
    assert plan.period_for(4.0) == 0.5 and plan.period_for(8.0) == 1.0 and plan.period_for(60.0) == 1.0
    assert plan.period_for(200.0) == 2.0 and plan.period_for(None) == 1.0
    assert indices(stream(60), SPARSE, 60 / 25) == indices(stream(60), DENSE)
