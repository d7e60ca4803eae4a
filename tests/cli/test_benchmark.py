"""``conviqt benchmark``: what it makes of two runs, and one real measurement of the smallest kind."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace

import pytest

from conviqt_cli.benchmark import Run, compared
from conviqt_cli.cli.console import progress
from conviqt_cli.known_speeds import known_speed
from conviqt_cli.scoring.progress import ScoringProgress


def test_start_up_is_told_from_the_work():
    def run(wall, frames, end):
        record = {"segments": [{"end": end}], "frames_scored": frames, "settings": {"precision": "int8"}}
        return Run(record, wall, 2 * wall, 100)

    found = compared("default", 1080, run(6.0, 32, 8.0), run(9.2, 64, 16.0), 8.0)
    assert (found.per_second, found.cpu, found.frames) == pytest.approx((0.4, 0.8, 10.0))
    assert found.start == pytest.approx(9.2 - 0.4 * 16) and found.precision == "int8"


def test_a_small_picture_is_measured_and_remembered(conviqt, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CONVIQT_CACHE", str(tmp_path))
    done = conviqt("benchmark", "--size", 64, "--only", "whole", "--device", "cpu", "--json", "-q")
    (speed,) = json.loads(done.stdout)["speeds"]
    assert (speed["size"], speed["setting"]) == ("64p", "whole") and speed["frames_per_s"] > 0
    kept = tmp_path / "benchmark.json"
    kept.write_text(json.dumps([{**row, "frames_per_second": 0.5} for row in json.loads(kept.read_text())]))
    settings = json.loads(kept.read_text())[0]["settings"]
    assert known_speed(settings, 1080) == 0.5 and known_speed({**settings, "precision": "int4"}, 64) is None
    info = SimpleNamespace(source="a.mp4", width=96, height=64)
    with progress(False, partial(known_speed, settings)) as callback:
        callback(info, ScoringProgress(frames_done=16, frames_expected=48, seconds=0.1))
    assert "at 0.5 frames/s (as measured by conviqt benchmark): about 1 min" in capsys.readouterr().err
    refused = conviqt("benchmark", "--only", "fast")
    assert refused.returncode == 2 and "choose from default" in refused.stderr
