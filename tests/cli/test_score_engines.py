"""Engines and formats from the command line: a run gives the same rows whichever is asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def clips(make_video, tmp_path_factory):
    """Three short clips, one of more than a second, and a file that is no video."""
    folder = tmp_path_factory.mktemp("clips")
    for number, frames in enumerate((17, 20, 40)):
        make_video(folder / f"{number}.mp4", frames=frames, size=f"{96 + 16 * number}x64")
    (folder / "broken.mp4").write_bytes(b"not a video")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{**row, "wall_seconds": ""} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def local_rows(conviqt, clips, tmp_path_factory):
    path = tmp_path_factory.mktemp("local") / "scores.csv"
    assert conviqt("score", clips, "-o", path, "--precision", "fp32", "--device", "cpu").returncode == 1
    return rows(path)


def test_ray_writes_the_same_rows_and_resumes_them(conviqt, clips, local_rows, ray_cluster, tmp_path):
    path = tmp_path / "scores.csv"
    options = ("--precision", "fp32", "--engine", "ray", "--threads", "1", "--split", "0:01")
    done = conviqt("score", clips, "-o", path, *options)
    assert done.returncode == 1, done.stderr
    assert rows(path) == local_rows
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]))
    assert conviqt("score", clips, "-o", path, *options).returncode == 1
    assert rows(path) == local_rows


def test_a_parquet_folder_merges_into_the_same_csv(conviqt, clips, local_rows, tmp_path):
    pytest.importorskip("pyarrow")
    options = ("--precision", "fp32", "--device", "cpu", "--format", "parquet")
    done = conviqt("score", clips, "-o", tmp_path / "scores", *options)
    assert done.returncode == 1 and "3 scored" in done.stdout and "broken.mp4" in done.stderr
    again = conviqt("score", clips, "-o", tmp_path / "scores", *options)
    assert again.returncode == 0 and "4 from an earlier run" in again.stdout
    assert conviqt("merge", tmp_path / "scores", "-o", tmp_path / "scores.csv").returncode == 0
    assert sorted(map(json.dumps, rows(tmp_path / "scores.csv"))) == sorted(map(json.dumps, local_rows))
    # What was merged can be carried on as any other score file.
    done = conviqt("score", clips, "-o", tmp_path / "scores.csv", "--precision", "fp32", "--device", "cpu")
    assert "4 of 4 from an earlier run" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "spark"), "choose local or ray"),
        (("--split", "10"), "add --engine ray"),
        (("--format", "parquet"), "is a folder of files"),
        (("--format", "parquet", "-o", "scores", "--force"), "only ever added to"),
    ],
)
def test_what_does_not_go_together_is_said(conviqt, clips, tmp_path, options, message):
    done = conviqt("score", clips, *options, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
