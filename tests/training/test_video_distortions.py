"""The video bank on a small moving clip: shapes, determinism, falling quality, documented timing, damaged streams."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from skimage import data

from conviqt_cli.errors import InputError
from conviqt_cli.training.distortions import video_loss, video_timing
from conviqt_cli.training.distortions.codec import Codec, encode, has_encoder, round_trip
from conviqt_cli.training.distortions.distortion import LEVELS, Pixels
from conviqt_cli.training.distortions.video_bank import VIDEO

FRAMES = 16
BANK = {distortion.name: distortion for distortion in VIDEO}
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "mpeg2": "mpeg2video",
    "mpeg4": "mpeg4",
}
#: Types whose distance from the source must rise with every level, whatever the random numbers.
RISING = (
    *ENCODERS, "low_resolution", "h264_starved", "flicker", "exposure_pumping", "mains_bands", "changing_grain",
    "ghosting", "temporal_denoise", "keyframe_pulsing", "frame_drop", "shake",
)  # fmt: skip


@pytest.fixture(scope="module")
def clip() -> Pixels:
    """96 pixels wide and high, a window that moves over a photograph by 2 to 4 pixels a frame."""
    picture: Pixels = data.astronaut()
    steps = [(100 + 2 * index, 150 + 3 * index + index % 3) for index in range(FRAMES)]
    return np.stack([picture[y : y + 96, x : x + 96] for y, x in steps])


def distorted(name: str, clip: Pixels, level: int, seed: int = 1) -> Pixels:
    for part in BANK[name].parts or (name,):
        if not has_encoder(ENCODERS.get(part, "mpeg4")):
            pytest.skip(f"ffmpeg has no encoder for {part}")
    return BANK[name].apply(clip, level, np.random.default_rng(seed))


def distance(clip: Pixels, other: Pixels) -> float:
    return float(np.mean((clip.astype(np.float32) - other) ** 2))


def test_names_and_parts() -> None:
    assert len(BANK) == len(VIDEO) >= 14
    mixed = [distortion for distortion in VIDEO if distortion.parts]
    assert len(mixed) >= 3
    for distortion in mixed:
        assert distortion.name == "+".join(distortion.parts)
        assert all(not BANK[part].parts for part in distortion.parts)


@pytest.mark.parametrize("name", BANK)
def test_same_shape_and_same_result_for_the_same_numbers(name: str, clip: Pixels) -> None:
    before = clip.copy()
    once, again = distorted(name, clip, 4), distorted(name, clip, 4)
    assert once.shape == clip.shape and once.dtype == np.uint8
    assert np.array_equal(once, again)
    assert np.array_equal(clip, before)
    assert 2 < distance(clip, once) < 10000


@pytest.mark.parametrize("name", RISING)
def test_each_level_is_further_from_the_source(name: str, clip: Pixels) -> None:
    distances = [distance(clip, distorted(name, clip, level)) for level in LEVELS]
    assert all(low < high for low, high in pairwise(distances)), distances


def test_odd_sizes_and_short_clips_keep_their_shape(clip: Pixels) -> None:
    for name in ("h264", "low_resolution", "packet_loss", "temporal_denoise", "freeze", "frame_blending"):
        assert distorted(name, clip[:2, :71, :85], 5).shape == (2, 71, 85, 3)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(5))
def test_schedules_are_as_documented(level: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    every = np.arange(23)

    frozen = video_timing.freeze(23, level, rng)
    assert np.sum(frozen != every) == max(level, round(video_timing.FREEZE_SHARES[level - 1] * 23))
    assert len(np.unique(frozen[frozen != every])) == 1

    dropped = video_timing.drop(23, level, rng)
    assert np.sum(np.diff(dropped) == 0) == max(level + 1, round(video_timing.DROP_SHARES[level - 1] * 23))
    assert np.array_equal(np.unique(dropped), dropped[dropped == every])

    _, *inner, _ = np.unique(video_timing.low_frame_rate(23, level, rng), return_counts=True)[1]
    assert set(inner) <= {video_timing.HOLDS[level - 1]}

    lengths = np.unique(video_timing.judder(60, level, rng), return_counts=True)[1][1:-1].tolist()
    cadence = list(video_timing.CADENCES[level - 1])
    assert any((cadence * 60)[at : at + len(lengths)] == lengths for at in range(len(cadence)))

    assert sorted(video_timing.reorder(23, level, rng).tolist()) == every.tolist()


def test_timing_shows_source_frames_only(clip: Pixels) -> None:
    shown = distorted("judder", clip, 3)
    schedule = video_timing.judder(FRAMES, 3, np.random.default_rng(1))
    assert np.array_equal(shown, clip[schedule])


@pytest.mark.parametrize("name", ["packet_loss", "packet_loss_mpeg2"])
def test_damaged_streams_give_every_frame_and_visible_damage(name: str, clip: Pixels) -> None:
    for seed in range(10):
        damaged = distorted(name, clip, 3, seed)
        assert damaged.shape == clip.shape
        # Coding alone differs by a few steps; concealed blocks by tens.
        blocks = np.abs(damaged.astype(int) - clip).mean(3).reshape(FRAMES, 12, 8, 12, 8).mean((2, 4))
        assert blocks.max() > 20, seed


def test_units_of_a_stream_are_told_apart(clip: Pixels) -> None:
    encoder = Codec(("-c:v", "libx264", "-x264-params", "slices=3:bframes=0:keyint=8"), "h264")
    stream = encode(clip, encoder)
    units = video_loss.split_units(stream)
    assert b"".join(unit.data for unit in units) == stream[stream.index(b"\0\0\1") :]
    slices = [unit for unit in units if unit.is_slice]
    assert len(slices) == 3 * FRAMES
    assert [unit.opens_frame for unit in slices] == [True, False, False] * FRAMES


def test_an_encoder_that_fails_is_an_error_in_one_line(clip: Pixels) -> None:
    with pytest.raises(InputError, match=r"^ffmpeg failed: .+$"):
        round_trip(clip, Codec(("-c:v", "no_such_encoder")))
