"""Comparing versions: where they lie in time, how sure a preference is, and what is said of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conviqt_cli.comparing.alignment import Signature, align
from conviqt_cli.comparing.paired import paired
from conviqt_cli.comparing.preference import preference
from conviqt_cli.comparing.results import Comparison, Moment
from conviqt_cli.comparing.wording import sentence
from conviqt_cli.quality.scale import ACR
from conviqt_cli.scoring.results import SegmentScore


def moving(times: np.ndarray, seed: int = 0, noise: float = 0.0) -> Signature:
    """Blocks that brighten and darken at their own pace, as seen at ``times`` of the source."""
    chance = np.random.default_rng(seed)
    level, pace, phase = chance.uniform(40, 200, 144), chance.uniform(0.5, 6, 144), chance.uniform(0, 6, 144)
    blocks = level + 30 * np.sin(times[:, None] * pace + phase)
    return Signature(times - times[0], blocks + noise * np.random.default_rng(9).normal(size=blocks.shape))


@pytest.mark.parametrize(("late", "rate"), [(0.0, 25), (0.7, 25), (-0.4, 24), (1.3, 60)])
def test_the_offset_is_found_at_any_frame_rate(late: float, rate: int):
    first = moving(np.arange(1, 6, 1 / 25))
    found = align(first, moving(np.arange(1 + late, 6, 1 / rate), noise=3))
    assert found.matches
    assert found.offset == pytest.approx(-late, abs=0.02)


def test_another_content_does_not_match_and_a_still_picture_is_not_shifted():
    times = np.arange(0, 4, 1 / 25)
    assert not align(moving(times), moving(times, seed=1)).matches
    still = Signature(times, np.repeat(moving(times).blocks[:1], len(times), axis=0))
    found = align(still, still)
    assert (found.offset, found.motion, found.matches) == (0.0, None, True)


def test_preference_is_symmetric_and_rises_with_the_difference():
    chances = [preference(difference) for difference in np.linspace(-4, 4, 33)]
    assert chances == sorted(chances)
    assert preference(0.0) == 0.5
    assert preference(0.3) + preference(-0.3) == pytest.approx(1)


def test_segments_of_another_rate_and_offset_are_brought_to_the_moments_of_the_first():
    first = [SegmentScore(at, at + 1.0, 4.0) for at in range(4)]
    other = [SegmentScore(0.5, 1.5, 3.0), SegmentScore(1.5, 2.5, 2.0)]
    moments = paired([first, other], [0.0, -1.0])
    # The other shows nothing of the first's second before 1.5 s and after 3.5 s.
    assert [(each.start, each.qualities) for each in moments] == [
        (1.0, (4.0, 3.0)),
        (2.0, (4.0, 2.5)),
        (3.0, (4.0, 2.0)),
    ]


def test_overlapping_segments_of_equal_videos_are_equal_moments():
    clips = [SegmentScore(0.0, 0.6, 3.0), SegmentScore(0.4, 1.0, 4.0)]
    assert [each.qualities for each in paired([clips, clips], [0.0, 0.0])] == [(3.0, 3.0), (4.0, 4.0)]


def comparison(*qualities: tuple[float, ...], sizes: tuple[int, ...] = (2, 1), scaled_up: bool = False) -> Comparison:
    versions: Any = tuple(
        SimpleNamespace(
            bytes=size, source="", score=SimpleNamespace(native_lines=720 if scaled_up and number else None)
        )
        for number, size in enumerate(sizes)
    )
    moments = tuple(Moment(float(at), at + 1.0, each) for at, each in enumerate(qualities))
    return Comparison(versions, moments, ACR, 360, 0.75, True)


def test_a_sentence_says_where_a_version_looks_better():
    none, better = (3.0, 3.1), (3.0, 4.0)
    said = sentence(comparison(none, none, better, better, none), "AB")
    assert said.startswith("B looks better from 0:02 to 0:04, else no difference that can be told.")
    assert sentence(comparison(better, better), "AB").startswith(
        "B looks better throughout. Over all, viewers prefer B"
    )
    assert sentence(comparison((3.0, 3.0)), "AB") == "No difference that can be told (50 % for A)."
    assert sentence(comparison(better, scaled_up=True), "AB").endswith(". B looks like 720p or less scaled up.")


def test_of_a_ladder_the_smallest_file_that_is_not_visibly_worse_is_named():
    ladder = comparison((4.5, 4.4, 4.3, 3.0), sizes=(90, 50, 30, 10))
    assert (ladder.best, ladder.smallest) == (0, 2)
    assert "The smallest that is not visibly worse is C" in sentence(ladder, "ABCD")


def test_two_equal_files_and_a_late_one_are_compared_by_the_command_line(
    conviqt: Callable[..., Any], small: Path, make_video: Callable[..., Path], tmp_path: Path
):
    same = shutil.copy(small, tmp_path / "<b>same.mp4")
    page = tmp_path / "page.html"
    found = conviqt("compare", small, same, "--json", "--html", page, "--duration", "0.7", "--quiet")
    assert found.returncode == 0, found.stderr
    record = json.loads(found.stdout)
    behind = [version["behind_best"]["mean"] for version in record["versions"]]
    assert (record["versions"][1]["offset"], behind) == (0.0, [0.0, 0.0])
    text = page.read_text()
    assert "No difference that can be told" in text
    assert "<b>same" not in text

    other = make_video(tmp_path / "other.mp4", source="mandelbrot", size="64x48", frames=40)
    refused = conviqt("compare", small, other)
    assert refused.returncode == 1
    assert "other.mp4: does not show what" in refused.stderr
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    assert conviqt("compare", small, broken).returncode == 1
    assert conviqt("compare", small).returncode == 2
