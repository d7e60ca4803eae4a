"""Vectors are extracted once, kept by content, and a broken video costs only itself."""

import numpy as np
import pytest

from conviqt_cli.errors import DecodeError, InputError
from conviqt_cli.fitting.extraction import extract, media_files
from conviqt_cli.scoring.feature_set import FeatureSet


class Counting:
    """Stands for a scorer: the vectors are the file's bytes."""

    encoder_id = "enc:1"

    def __init__(self):
        self.asked = []

    def features(self, source):
        self.asked.append(source.name)
        data = source.read_bytes()
        if data == b"broken":
            raise DecodeError(f"{source}: damaged")
        vectors = np.frombuffer(data, dtype=np.uint8).astype(np.float32).reshape(-1, 1)
        count = len(vectors)
        return FeatureSet(vectors, np.zeros(count), np.ones(count), np.array([str(source)] * count), self.encoder_id)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "v" / "sub").mkdir(parents=True)
    for name, data in {"a.mp4": b"aaa", "sub/b.mkv": b"bb", "c.avi": b"broken", "notes.txt": b"-"}.items():
        (tmp_path / "v" / name).write_bytes(data)
    return tmp_path / "v"


def run(folder, extractor, settings=None):
    return extract(extractor, settings or {}, folder, media_files(folder), folder.parent / "cache")


def test_media_are_found_and_nothing_else(folder, tmp_path):
    assert media_files(folder) == ["a.mp4", "c.avi", "sub/b.mkv"]
    with pytest.raises(InputError, match="no videos in it"):
        media_files(_empty(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        media_files(tmp_path / "gone")


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_a_second_run_extracts_nothing_and_renaming_costs_nothing(folder):
    first = Counting()
    sets, failed = run(folder, first)
    assert [each.videos for each in sets] == [["a.mp4"], ["sub/b.mkv"]]
    assert list(failed) == ["c.avi"]
    (folder / "a.mp4").rename(folder / "z.mp4")
    again = Counting()
    sets, _ = run(folder, again)
    assert again.asked == ["c.avi"]
    assert [each.videos for each in sets] == [["sub/b.mkv"], ["z.mp4"]]


def test_edits_settings_and_damage_are_noticed(folder):
    run(folder, Counting())
    (folder / "a.mp4").write_bytes(b"aab")
    edited = Counting()
    run(folder, edited)
    assert "a.mp4" in edited.asked
    other = Counting()
    run(folder, other, {"sampling": "dense"})
    assert len(other.asked) == 3
    for kept in (folder.parent / "cache").rglob("*.npz"):
        kept.write_bytes(kept.read_bytes()[:40])
    repaired = Counting()
    sets, _ = run(folder, repaired)
    assert len(repaired.asked) == 3
    assert len(sets) == 2
