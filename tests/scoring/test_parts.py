"""A video in parts gives what it gives in one piece."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from conviqt_cli.scoring.parts import NotDivisible
from conviqt_cli.scoring.scorer import load
from tests.conftest import SAMPLE


@pytest.fixture(scope="module")
def eventful(ffmpeg, tmp_path_factory):
    """The sample in bars, with a second of black, a second that stands still, and key frames here and there."""
    path = tmp_path_factory.mktemp("parts") / "eventful.mp4"
    filters = (
        "scale=128:72,loop=25:1:60,setpts=N/25/TB,drawbox=c=black:t=fill:enable='between(n,20,50)',pad=128:96:0:12"
    )
    command = [ffmpeg, "-v", "error", "-i", SAMPLE, "-vf", filters, "-an", "-g", "15", "-pix_fmt", "yuv420p", path]
    subprocess.run(command, check=True)
    return str(path)


def features_by_colour(pictures):
    """Instead of ResNet-50: features (n, 2048) that tell any two pictures apart, at next to no cost."""
    towards = np.random.default_rng(0).standard_normal((3, 2048)).astype(np.float32)
    return np.cos(pictures.mean(axis=(1, 2), dtype=np.float32) / 32 @ towards)


@pytest.fixture
def scorer_of(networks, monkeypatch):
    """A scorer by its picture plan. Nothing here depends on what the spatial network is."""

    def make(picture):
        scorer = load(precision="fp32", device="cpu", picture=picture)
        monkeypatch.setattr(scorer.encoder, "pooled", features_by_colour)
        return scorer

    return make


@pytest.fixture
def scorer(scorer_of):
    return scorer_of("crops")


def in_parts(scorer, source, seconds):
    prepared = scorer.prepare(source)
    parts = prepared.divided(seconds)
    # Whoever encodes a part knows nothing of the others, and they end in any order.
    encoded = {part: scorer.encode(prepared, part) for part in reversed(parts)}
    return scorer.conclude(prepared, [encoded[part] for part in parts]), len(parts)


def facts(score):
    return {**score.to_dict(), "wall_seconds": None}


@pytest.mark.parametrize("picture", ["crops", "whole"])
def test_parts_add_up_to_the_whole(scorer_of, eventful, picture):
    scorer = scorer_of(picture)
    whole = scorer.score(eventful)
    assert {"blank", "frozen", "bars"} <= {event.code for event in whole.events}
    assert len(whole.segments) == 8
    divided, count = in_parts(scorer, eventful, 1.5)
    assert count == 4 and facts(divided) == facts(whole)


def test_a_short_video_is_not_divided(scorer, eventful):
    assert scorer.prepare(eventful).divided(60.0) == []


def test_a_damaged_stream_is_scored_in_one_piece(scorer, eventful, tmp_path):
    from pathlib import Path

    data = bytearray(Path(eventful).read_bytes())
    middle = data.index(b"mdat") + 6000
    data[middle : middle + 400] = bytes(byte ^ 0x55 for byte in data[middle : middle + 400])
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    assert "damaged" in {note.code for note in scorer.score(str(damaged)).warnings}
    with pytest.raises(NotDivisible):
        in_parts(scorer, str(damaged), 1.5)
