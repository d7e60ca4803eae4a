"""The road as a library: properties that every score must have."""

from __future__ import annotations

import itertools
import subprocess

import numpy as np
import pytest

import conviqt_cli
from conviqt_cli import load
from conviqt_cli.errors import BundleError, UsageError
from conviqt_cli.scoring.results import VideoScore

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture(scope="module")
def scorer(networks):
    return load(device="cpu", sampling="every:9")


def codes(score: VideoScore) -> set[str]:
    return {note.code for note in score.warnings}


def test_more_compression_never_scores_higher(scorer, sample, ffmpeg, tmp_path):
    scores = []
    for crf in (18, 24, 30, 36, 42, 48):
        path = tmp_path / f"{crf}.mp4"
        subprocess.run(
            [ffmpeg, "-v", "error", "-i", sample, "-frames:v", "16", "-c:v", "libx264", "-crf", str(crf), path],
            check=True,
        )
        scores.append(scorer.score(path).quality)
    # The first three can hardly be told apart and may be out of order by as much as the model card counts as in order;
    # what can be seen may not.
    assert all(worse < better + 0.05 for better, worse in itertools.pairwise(scores))
    assert all(worse < better for better, worse in itertools.pairwise(scores[2:])) and scores[0] > scores[-1] + 1.5


def test_pooled_quality_is_the_score_of_the_mean_vector(small):
    scorer = load(device="cpu")
    score, features = scorer.score(small, start=1.4, duration=1.2), scorer.features(small, start=1.4, duration=1.2)
    raw = scorer.regressor.predict(features.clip_features)
    expected = np.clip(raw, 1, 5)
    assert [s.quality for s in score.segments] == pytest.approx(list(expected), abs=1e-5)
    assert raw.mean() == pytest.approx(
        scorer.regressor.predict(features.clip_features.astype(np.float64).mean(axis=0, keepdims=True))[0], abs=1e-6
    )
    assert score.quality == pytest.approx(expected.mean(), abs=1e-5)


def test_overlapping_tail_is_computed_once(small):
    # 100 frames: six clips back to back, and a tail that shares 12 frames with the last of them.
    score = load(device="cpu", sampling="dense", picture="whole").score(small)
    assert len(score.segments) == 7 and score.frames_scored == 100


@pytest.mark.parametrize(("frames", "clips"), [(1, 1), (15, 1), (16, 1), (17, 2)])
def test_short_videos(scorer, make_video, tmp_path, frames, clips):
    score = scorer.score(make_video(tmp_path / "a.mp4", frames=frames))
    assert len(score.segments) == clips and score.video.frame_count == frames
    assert ("short" in codes(score)) == (frames < 16)
    assert np.isfinite(score.quality)


def test_a_still_is_scored_as_itself(scorer, make_video, tmp_path):
    score = scorer.score(make_video(tmp_path / "a.png", frames=1))
    assert score.frames_scored == 1 and "short" in codes(score)


def test_where_the_video_is_cut_shows_in_the_times(scorer, small):
    score = scorer.score(small, start=2.0, duration=0.64)
    assert (score.segments[0].start, score.segments[0].end) == pytest.approx((2.0, 2.64), abs=1e-6)
    assert score.video.frame_count is None


def test_warnings_name_what_makes_a_score_mean_less(scorer, make_video, tmp_path):
    hdr = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv,setsar=4/3"
    options = ("-c:v", "ffv1", "-pix_fmt", "yuv420p10le")
    score = scorer.score(make_video(tmp_path / "a.mkv", *options, size="48x48", filters=hdr))
    assert {"hdr", "non_square_pixels", "small"} <= codes(score)


def test_a_small_picture_is_warned_of_unless_scored_as_scaled_up(make_video, tmp_path):
    path = make_video(tmp_path / "a.mkv", frames=1)
    scorers = [load(device="cpu", precision="fp32", display=display) for display in (None, "auto", "480")]
    assert ["low_resolution" in codes(scorer.score(path)) for scorer in scorers] == [True, False, False]


def test_bars_are_cropped_unless_asked_not_to(make_video, tmp_path):
    path = make_video(tmp_path / "a.mkv", size="160x90", frames=16, filters="pad=160:120:0:14")
    cropped, whole = (load(device="cpu", crop_bars=crop).score(path) for crop in (True, False))
    assert "bars" in codes(cropped) and cropped.scored_area.height == pytest.approx(90, abs=2)
    assert "bars" not in codes(whole) and whole.scored_area is None
    assert "crop_bars" not in cropped.settings.to_dict() and whole.settings.to_dict()["crop_bars"] is False
    assert whole.settings.features_dict()["crop_bars"] is False and whole.quality != cropped.quality


def test_progress_reaches_what_was_promised(small):
    seen = []
    load(device="cpu").score(small, duration=1.5, progress=lambda info, done: seen.append(done))
    assert seen[-1].frames_done == seen[-1].frames_expected and seen[-1].remaining == 0
    assert [done.frames_done for done in seen] == sorted(done.frames_done for done in seen)


def test_intervals_hold_the_score_and_stay_on_the_scale(small):
    score = load(device="cpu", sampling="every:9").score(small)
    if score.interval is None:
        pytest.skip("the bundled regressor has no intervals")
    assert 1 <= score.interval.low <= score.quality <= score.interval.high <= 5
    other = load(device="cpu", sampling="every:9", pooling="min").score(small)
    assert other.interval is None  # intervals are calibrated for the mean


def test_segments_are_diagnosed_where_the_bundle_can(scorer, diagnosing, small):
    segments = load(diagnosing, device="cpu", sampling="every:9").score(small, duration=0.7).segments
    assert [each.diagnosis.text for each in segments] == ["looks like blur, level 3 of 5 (97 %)"] * len(segments)
    assert (segments[0].diagnosis.level, segments[0].diagnosis.others[0].family) == (pytest.approx(3.1), "noise")
    (segment, *_) = scorer.score(small, duration=0.7).segments
    assert (segment.diagnosis is None) == (scorer.bundle.diagnosis() is None)


def test_predict_is_one_number(small):
    quality = conviqt_cli.predict(small)
    assert isinstance(quality, float) and 1 <= quality <= 5


def test_load_refuses_nonsense():
    with pytest.raises(UsageError):
        load(pooling="average")
    with pytest.raises(BundleError):
        load(weights="no-such-bundle")
