"""Score files: whatever the end of a run does to them, no finished row is lost and none is half there."""

import contextlib
import csv
import io
import json
import os
import resource
from dataclasses import replace

import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.quality.diagnosis import Candidate, Diagnosis
from conviqt_cli.quality.scale import ACR
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scorefiles.formats import format_of
from conviqt_cli.scorefiles.journal import Journal, StorageError
from conviqt_cli.scorefiles.output import check_same_maker, join, open_output
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record, unchanged
from conviqt_cli.scoring.results import FailedScore, ModelInfo, Note, SegmentScore, VideoScore
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import VideoInfo

MODEL = ModelInfo("m 1", "c" * 64, "e" * 16, "bundled", False)
SETTINGS = ScoringSettings(device="cpu", precision="fp32")
ODD = 'a,"b"\r\nc\udcff\x1b é.mp4'
KINDS = ("a.csv", "a.ndjson", "segments.csv")


def record(source, quality=3.25, settings=None, segments=2):
    settings = settings or SETTINGS
    file = FileFacts(10, 20, "f" * 64)
    if quality is None:
        result = FailedScore(source, "unreadable", f"{source}: no")
        return Record(result, Maker(MODEL, settings), file)
    info = VideoInfo(source, 64, 48, None, 1.0, "h264", "mov", "yuv420p", 8, "bt709", True, "tv", "unknown", "unknown")
    # One segment with a diagnosis and one without.
    seen = (Diagnosis("blur", 3.1, 0.64, (Candidate("noise", 0.2),)), None)
    cut = tuple(SegmentScore(float(n), n + 1.0, quality, diagnosis=seen[n % 2]) for n in range(segments))
    notes = (Note("short", "x"),)
    score = VideoScore(source, quality, ACR, cut, info, MODEL, settings, 9, 1.5, warnings=notes)
    return Record(score, Maker(MODEL, settings), file)


def open_journal(path, fresh=False):
    return Journal(path, format_of(path).rows(path.name == "segments.csv"), fresh)


def fill(path, *records):
    journal = open_journal(path)
    for item in records:
        journal.append(item)
    journal.close()
    return path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_row_survives_an_end_before_it_is_noted(tmp_path, kind, monkeypatch):
    path = tmp_path / kind
    journal = open_journal(path)
    monkeypatch.setattr(journal, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        journal.append(record("a.mp4"))
    journal.close()
    assert list(open_journal(path).entries) == ["a.mp4"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_reads_back(tmp_path, kind):
    path = tmp_path / kind
    fill(path, record(ODD), record("b", None), record("c", 1.23456))
    journal = open_journal(path)
    assert list(journal.entries) == [ODD, "b", "c"]
    assert [entry.quality for entry in journal.entries.values()] == [3.25, None, 1.2346]
    assert journal.entries["b"].reason == "b: no" and journal.entries[ODD].file == FileFacts(10, 20, "f" * 64)
    check_same_maker(journal, Maker(MODEL, SETTINGS).identity)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_keeps_its_whole_rows_and_goes_on(tmp_path, monkeypatch, kind):
    # Thousands of files: waiting for the disk each time would take a minute and show nothing.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    path = tmp_path / kind
    records = [record(ODD), record("b", None), record("c")]
    whole = fill(path, *records)
    kept = set()
    for length in (*range(0, len(whole), 7), *range(len(whole) - 40, len(whole))):
        path.write_bytes(whole[:length])
        journal = open_journal(path)
        kept.add(len(journal.entries))
        for item in records:
            if item.result.source not in journal.entries:
                journal.append(item)
        journal.close()
        assert path.read_bytes() == whole
    assert kept == {0, 1, 2}


def test_a_tail_of_zeros_as_power_loss_leaves_is_cut_off(tmp_path):
    whole = fill(tmp_path / "a.csv", record("a"))
    (tmp_path / "a.csv").write_bytes(whole + bytes(300))
    assert fill(tmp_path / "a.csv") == whole


@pytest.mark.parametrize("kind", KINDS)
def test_damage_in_the_midst_and_foreign_files_are_refused(tmp_path, kind):
    path = tmp_path / kind
    whole = fill(path, record("a"), record("b"), record("c"))
    second = whole.rindex(b"conviqt-score", 0, whole.rindex(b"conviqt-score"))
    for text in (whole[:second] + b"x" + whole[second:], b"source,mos\na,3\nb,4\n", b"{}\n", b"note"):
        path.write_bytes(text)
        with pytest.raises(UsageError, match="replace it"):
            open_journal(path)
        assert path.read_bytes() == text
    open_journal(path, fresh=True).append(record("a"))


def test_rows_come_into_the_order_of_the_inputs_and_new_ones_replace_old(tmp_path):
    path = tmp_path / "a.csv"
    fill(path, record("other"), record("b", 2.0), record("c", None), record("a"))
    journal = open_journal(path)
    journal.append(record("c", 4.0))
    journal.append(record("b", 3.0))
    journal.arrange(["a", "b", "c", "missing"])
    journal.append(record("d", 5.0))
    journal.close()
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [(row["source"], row["quality"]) for row in rows] == [
        ("other", "3.2500"), ("a", "3.2500"), ("b", "3.0000"), ("c", "4.0000"), ("d", "5.0000"),
    ]  # fmt: skip
    assert [item.name for item in tmp_path.iterdir()] == ["a.csv"]


def test_a_second_process_is_refused_and_the_lock_outlives_the_reordering(tmp_path):
    path = tmp_path / "a.csv"
    journal = open_journal(path)
    journal.append(record("b"))
    journal.append(record("a"))
    for _ in range(2):
        with pytest.raises(UsageError, match="another conviqt"):
            open_journal(path, fresh=True)
        journal.arrange(["a", "b"])
    journal.close()
    assert list(open_journal(path).entries) == ["a", "b"]


@contextlib.contextmanager
def full_disk(size):
    """Let no file of this process grow beyond ``size`` bytes; a write may then succeed in part, as on a full disk.

    For these few lines only: pytest's own output may be such a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_no_finished_row(tmp_path):
    path = tmp_path / "a.csv"
    whole = fill(path, record("a"), record("b"))
    journal = open_journal(path)
    with pytest.raises(StorageError, match="2 results before are safe"), full_disk(len(whole) + 40):
        journal.append(record("c"))
    assert path.read_bytes() == whole
    with pytest.raises(StorageError, match="order"), full_disk(100):
        journal.arrange(["b", "a"])
    assert path.read_bytes() == whole and [item.name for item in tmp_path.iterdir()] == ["a.csv"]


def test_json_is_one_document_with_its_rows_beside_it_until_it_is_done(tmp_path):
    path = tmp_path / "a.json"
    with open_output(path, format_of(path)) as journal:
        journal.append(record("a"))
    assert not path.exists()
    with open_output(path, format_of(path)) as journal:
        assert list(journal.entries) == ["a"]
        journal.append(record(ODD, None))
        join(journal, path, single=False)
    assert [item["source"] for item in json.loads(path.read_text())] == ["a", visible(ODD)]
    with open_output(path, format_of(path)) as journal:
        assert list(journal.entries) == ["a", ODD]
        journal.append(record("c"))
        join(journal, path, single=False)
    assert [item["source"] for item in json.loads(path.read_text())] == ["a", visible(ODD), "c"]
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_other_models_and_settings_are_named_and_gpus_count_as_one(tmp_path):
    path = tmp_path / "a.csv"
    fill(path, record("a", settings=replace(SETTINGS, device="cuda:0")))
    journal = open_journal(path)
    check_same_maker(journal, Maker(MODEL, replace(SETTINGS, device="cuda:1")).identity)
    with pytest.raises(UsageError, match="pool mean, not min"):
        check_same_maker(journal, Maker(MODEL, replace(SETTINGS, device="cuda:0", pooling="min")).identity)


def test_what_counts_as_changed(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"12345")
    facts = FileFacts.of(str(path))
    os.utime(path, (1, 1))
    assert unchanged(str(path), facts)
    path.write_bytes(b"12346")
    assert not unchanged(str(path), facts)
    path.unlink()
    assert not unchanged(str(path), facts)
    assert unchanged(str(path), None) and unchanged("http://x/y", None)
