"""Which files of a folder are videos, in what order, and what is passed over."""

import io
import os
import subprocess
import unicodedata
from pathlib import Path

import pytest

from conviqt_cli.batch.discovery import Rules, find, read_list
from conviqt_cli.batch.inputs import Inputs
from conviqt_cli.errors import UsageError

MP4 = b"\0\0\0\x20ftypisom" + bytes(64)


def names(found, folder):
    return [os.path.relpath(source, folder) for source in found.sources]


def make(folder, *paths, data=MP4):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_by_ending_by_bytes_and_what_is_neither(tmp_path):
    make(tmp_path, "a.mp4", "b.MKV", "damaged.mov", data=b"no video")
    make(tmp_path, "no_ending", "odd.xyz")
    make(tmp_path, "song.m4a", "list.m3u8", "list.ffconcat", "half.mp4.part", ".hidden.mp4")
    make(tmp_path, "code.ts", data=b"export const x = 1;\n")
    make(tmp_path, "stream.ts", data=(b"G" + bytes(187)) * 4)
    make(tmp_path, "damaged.mts", data=bytes(range(256)))
    make(tmp_path, "notes", data=b"notes")
    os.mkfifo(tmp_path / "pipe.mp4")
    found = find([str(tmp_path)])
    wanted = ["a.mp4", "b.MKV", "damaged.mov", "damaged.mts", "no_ending", "odd.xyz", "stream.ts"]
    assert names(found, tmp_path) == wanted
    assert found.skipped == {"not a video": 6, "hidden": 1, "not a file": 1}


def test_order_is_by_bytes_and_folders_are_entered_on_request(tmp_path):
    make(tmp_path, "b/2.mp4", "b/1.mp4", "a.mp4", "B.mp4", "c.mp4", "b.mp4")
    assert names(find([str(tmp_path)]), tmp_path) == ["B.mp4", "a.mp4", "b.mp4", "c.mp4"]
    found = find([str(tmp_path)], Rules(recursive=True))
    assert names(found, tmp_path) == ["B.mp4", "a.mp4", "b/1.mp4", "b/2.mp4", "b.mp4", "c.mp4"]


def test_include_and_exclude(tmp_path):
    make(tmp_path, "a.mp4", "b.mkv", "raw/c.mp4", "raw/d.mkv", "still.png")
    found = find([str(tmp_path)], Rules(recursive=True, include=("*.mp4", "*.png"), exclude=("raw/c*",)))
    assert names(found, tmp_path) == ["a.mp4", "still.png"]
    assert found.skipped == {"excluded": 1, "not included": 2}
    found = find([str(tmp_path)], Rules(recursive=True, exclude=("raw",)))
    assert names(found, tmp_path) == ["a.mp4", "b.mkv"]


def test_links_that_go_round_end_and_dangling_ones_are_rows(tmp_path):
    make(tmp_path, "in/a.mp4")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "gone.mkv").symlink_to("nowhere")
    found = find([str(tmp_path), str(tmp_path)], Rules(recursive=True))
    assert names(found, tmp_path) == ["gone.mkv", "in/a.mp4", "self.mp4"]
    assert found.skipped == {"folder reached twice": 2}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_folder_is_a_failure(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    found = find([str(tmp_path)], Rules(recursive=True))
    assert [failure.code for failure in found.refused.values()] == ["unreadable"]


def test_a_folder_that_vanishes_is_a_failure(tmp_path, monkeypatch):
    make(tmp_path, "in/a.mp4", "b.mp4")
    real = os.listdir

    def listdir(path):
        if str(path).endswith("in"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    found = find([str(tmp_path)], Rules(recursive=True))
    assert names(found, tmp_path) == ["b.mp4", "in"]
    assert "Permission denied" in found.refused[str(tmp_path / "in")].reason


def test_a_tree_deeper_than_pythons_stack(tmp_path):
    # Short names: the path as a whole has to stay within the system's limit.
    deep = str(tmp_path / "tree")
    Path(deep).mkdir()
    for _ in range(1200):
        deep += "/d"
        Path(deep).mkdir()
    Path(deep, "a.mp4").write_bytes(MP4)
    found = find([str(tmp_path)], Rules(recursive=True))
    # pytest's own clean-up is recursive.
    subprocess.run(["rm", "-rf", tmp_path / "tree"], check=True)
    assert found.sources == [f"{deep}/a.mp4"]


def test_any_name_is_found_as_it_is(tmp_path):
    odd = [
        b"-rf.mp4", b"a b'c\"d.mp4", b"line\nbreak\r.mp4", b"\xff\xfe.mp4", b"n" * 251 + b".mp4", b"$(id);`id`.mp4",
        *(unicodedata.normalize(form, "é").encode() + b".mp4" for form in ("NFC", "NFD")),
    ]  # fmt: skip
    for name in odd:
        Path(tmp_path, os.fsdecode(name)).write_bytes(MP4)
    found = find([str(tmp_path)])
    assert [os.fsencode(Path(source).name) for source in found.sources] == sorted(odd)


def names_in(data: bytes, separator: bytes) -> list[str]:
    return list(read_list(io.BytesIO(data), separator, "x"))


def test_lists_of_names():
    assert names_in(b"\xef\xbb\xbfa.mp4\r\n\r\n b \n\xff", b"\n") == ["a.mp4", " b ", "\udcff"]
    assert names_in(b"a\nb\0c\0", b"\0") == ["a\nb", "c"]
    with pytest.raises(UsageError, match="NUL"):
        names_in(b"a\0b", b"\n")


def test_a_quoted_pattern_stands_for_what_it_matches(tmp_path):
    make(tmp_path, "b.mp4", "a.mp4", "c.mkv", "in/d.mp4", "odd[1].mp4")
    pattern = Inputs((f"{tmp_path}/*.mp4",))
    assert names(pattern.find(None), tmp_path) == ["a.mp4", "b.mp4", "odd[1].mp4"] and not pattern.single
    for name in ("odd[1].mp4", "none*.mp4"):  # a file of that name, and nothing at all
        alone = Inputs((f"{tmp_path}/{name}",))
        assert names(alone.find(None), tmp_path) == [name] and alone.single
