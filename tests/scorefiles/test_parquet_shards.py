"""Folders of Parquet files: nothing is lost, nothing doubled, and one file can be made of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.merging import merge
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scorefiles.shards import ShardedOutput, finished_files, partial_file
from conviqt_cli.scoring.results import FailedScore, ModelInfo
from conviqt_cli.scoring.settings import ScoringSettings

pytest.importorskip("pyarrow")

MAKER = Maker(ModelInfo("m", "c", "e", "bundled", False), ScoringSettings(device="cpu", precision="fp32"))


def opened(folder, **options):
    return ShardedOutput(folder / "out", MAKER.identity, rows=3, **options)


def add(output, source, code="x"):
    output.append(Record(FailedScore(source, code, f"{source}: bad"), MAKER, FileFacts.of(source)))


def rows_of(folder: Path) -> dict[str, str]:
    merge(folder / "out", folder / "merged.csv")
    with (folder / "merged.csv").open(newline="") as file:
        rows = [(row["source"], row["error_code"]) for row in csv.DictReader(file)]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


@pytest.fixture
def videos(tmp_path):
    paths = [tmp_path / f"{number}.mp4" for number in range(7)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return [str(path) for path in paths]


def test_a_run_is_carried_on_where_it_was_killed(tmp_path, videos):
    output = opened(tmp_path)
    for source in videos[:5]:
        add(output, source)
    output.close()  # killed: never finished
    assert len(finished_files(tmp_path / "out")) == 1 and partial_file(tmp_path / "out")
    with partial_file(tmp_path / "out").open("ab") as file:
        file.write(b'{"schema": "conviqt-score/1", "sou')  # half a row
    assert len(rows_of(tmp_path)) == 5
    output = opened(tmp_path)
    assert [output.holds(source) for source in videos] == [True] * 5 + [False] * 2
    for source in videos[5:]:
        add(output, source)
    output.finish()
    output.close()
    assert partial_file(tmp_path / "out") is None or not rows_of(tmp_path).keys() ^ set(videos)
    assert set(rows_of(tmp_path)) == set(videos)


def test_a_changed_video_is_scored_anew_and_has_one_row(tmp_path, videos):
    output = opened(tmp_path)
    for source in videos:
        add(output, source)
    output.finish()
    output.close()
    Path(videos[1]).write_bytes(b"changed")
    output = opened(tmp_path)
    assert [source for source in videos if not output.holds(source)] == [videos[1]]
    add(output, videos[1], "y")
    output.finish()
    output.close()
    assert rows_of(tmp_path) == {**dict.fromkeys(videos, "x"), videos[1]: "y"}
    import pyarrow.dataset

    assert pyarrow.dataset.dataset(finished_files(tmp_path / "out")).count_rows() == 7


def test_failed_ones_are_retried_on_request_and_other_settings_refused(tmp_path, videos):
    output = opened(tmp_path)
    for source in videos[:4]:
        add(output, source)
    output.finish()
    with pytest.raises(UsageError, match="another conviqt"):
        opened(tmp_path)
    output.close()
    output = opened(tmp_path, retry_failed=True)
    assert not any(output.holds(source) for source in videos)
    output.close()
    other = Maker(MAKER.model, ScoringSettings(device="cpu", precision="bf16"))
    with pytest.raises(UsageError, match="precision"):
        ShardedOutput(tmp_path / "out", other.identity)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no folder of scores"):
        merge(tmp_path, tmp_path / "a.csv")
