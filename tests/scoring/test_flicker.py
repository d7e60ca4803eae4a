"""Light that goes up and down is flicker; what moves, fades, flashes once or is cut is not."""

import subprocess

import numpy as np
import pytest

from conviqt_cli import load
from conviqt_cli.scoring.flicker import Flicker, light

RATE = 25
PICTURE = np.random.default_rng(0).integers(40, 160, (120, 200)).astype(np.float64)


def stretches_of(gains):
    """Of one picture, each frame brightened by a factor, or by one for each of its rows."""
    flicker = Flicker()
    for index, gain in enumerate(gains):
        pixels = PICTURE * np.broadcast_to(np.asarray(gain, float).reshape(-1, 1), (len(PICTURE), 1))
        flicker.see(index / RATE, light(np.clip(pixels, 0, 255).astype(np.uint8)))
    return flicker.stretches()


def between(first, last, wave):
    """Brightness as it is before and after, and a wave from one frame to another."""
    return [1 + wave(index) if first <= index < last else 1.0 for index in range(100)]


@pytest.mark.parametrize("period", [2.3, 3, 5, 9, 14])
@pytest.mark.parametrize("depth", [0.04, 0.3])
def test_a_second_of_flicker_is_named_with_its_times(period, depth):
    (found,) = stretches_of(between(25, 55, lambda index: depth * np.sin(2 * np.pi * index / period)))
    assert found == pytest.approx((1.0, 2.2), abs=0.25)


def test_bands_that_wander_down_the_picture_flicker():
    rows = np.arange(len(PICTURE)) / len(PICTURE)
    (found,) = stretches_of(between(25, 55, lambda index: 0.12 * np.sin(2 * np.pi * (1.5 * rows + 0.15 * index))))
    assert found == pytest.approx((1.0, 2.2), abs=0.25)


@pytest.mark.parametrize(
    "gains",
    [
        [1.0] * 50,
        [0.02 * index for index in range(60)],  # a fade
        [1.6 if index == 20 else 1.0 for index in range(60)],  # a flash
        [0.5 if index // 30 % 2 else 1.0 for index in range(100)],  # scenes after each other
        between(0, 100, lambda index: 0.01 * np.sin(2 * np.pi * index / 4)),  # hardly to be seen
        between(0, 100, lambda index: 0.3 * np.sin(2 * np.pi * index / 60)),  # a light that comes and goes
    ],
)
def test_other_light_does_not(gains):
    assert stretches_of(gains) == []


def test_what_moves_does_not():
    rng = np.random.default_rng(1)
    scene = np.repeat(np.repeat(rng.integers(20, 220, (12, 20)), 40, axis=0), 40, axis=1)
    flicker = Flicker()
    for index in range(100):
        left = round(150 + 140 * np.sin(2 * np.pi * index / 12))
        flicker.see(index / RATE, light(scene[40:280, left : left + 400].astype(np.uint8)))
    assert flicker.stretches() == []


def test_clips_that_flicker_are_one_stretch_where_nothing_was_seen_between_them():
    flicker = Flicker()
    for clip in range(6):
        flicker.interrupt()
        for index in range(16):
            gain = 1 + 0.2 * np.sin(2 * np.pi * index / 3) * (clip != 3)
            flicker.see(10 * clip + index / RATE, light((PICTURE * gain).astype(np.uint8)))
    first, second = flicker.stretches()
    assert (*first, *second) == pytest.approx((0, 20.6, 40, 50.6), abs=0.15)


def test_changes_over_gaps_do_not_count():
    flicker = Flicker()
    for index in range(100):
        flicker.interrupt()
        flicker.see(index / RATE, light((PICTURE * (0.6 + 0.4 * (index % 2))).astype(np.uint8)))
    assert flicker.stretches() == []


def test_a_scored_video_that_flickers_says_so_and_no_clip_has_another_fault(networks, sample, ffmpeg, tmp_path):
    path = tmp_path / "a.mp4"
    # Two clean seconds three times over, of which the middle ones flicker.
    wave = "if(between(n,50,99),-0.1*abs(sin(PI*n/3.3)),0)"
    filters = f"trim=end_frame=50,loop=2:50:0,setpts=N/25/TB,eq=brightness='{wave}':eval=frame"
    command = [ffmpeg, "-v", "error", "-i", sample, "-vf", filters, "-an", "-c:v", "libx264", "-crf", "20", path]
    subprocess.run(command, check=True)
    score = load(device="cpu").score(path)
    (found,) = [event for event in score.events if event.code == "flicker"]
    assert (found.start, found.end) == pytest.approx((2, 4), abs=0.5)
    assert "flickering from" in score.verdict.text and score.verdict.cause == "flicker"
    assert not {"brightness and colour"} & {each.cause for each in score.segments if each.start >= 4.2}
