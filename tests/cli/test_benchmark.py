"""``conviqt benchmark``: what it makes of two runs, and one real measurement of the smallest kind."""

from __future__ import annotations

import json

import pytest

from conviqt_cli.benchmark import Run, compared


def test_start_up_is_told_from_the_work():
    def run(wall, frames, end):
        record = {"segments": [{"end": end}], "frames_scored": frames, "settings": {"precision": "int8"}}
        return Run(record, wall, 2 * wall, 100)

    found = compared("default", 1080, run(6.0, 32, 8.0), run(9.2, 64, 16.0), 8.0)
    assert (found.per_second, found.cpu, found.frames) == pytest.approx((0.4, 0.8, 10.0))
    assert found.start == pytest.approx(9.2 - 0.4 * 16) and found.precision == "int8"


def test_a_small_picture_is_measured_and_remembered(conviqt, make_video, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVIQT_CACHE", str(tmp_path))
    done = conviqt("benchmark", "--size", 64, "--only", "whole", "--device", "cpu", "--json", "-q")
    (speed,) = json.loads(done.stdout)["speeds"]
    assert (speed["size"], speed["setting"]) == ("64p", "whole") and speed["frames_per_s"] > 0
    kept = tmp_path / "benchmark.json"
    kept.write_text(json.dumps([{**row, "frames_per_second": 0.5} for row in json.loads(kept.read_text())]))
    video = make_video(tmp_path / "a.mp4", frames=48, size="96x64")
    told = conviqt("score", video, "--picture", "whole", "--sampling", "dense", "--device", "cpu")
    assert "at 0.5 frames/s (as measured by conviqt benchmark): about 1 min" in told.stderr
    refused = conviqt("benchmark", "--only", "fast")
    assert refused.returncode == 2 and "choose from default" in refused.stderr
