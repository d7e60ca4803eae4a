"""``conviqt summary`` on files of every format, and the workbook it writes."""

import zipfile

import pytest

from tests.scorefiles.test_journal import fill, record
from tests.scorefiles.test_resaved_csv import saved_again


@pytest.mark.parametrize("kind", ["a.csv", "segments.csv", "a.ndjson", "resaved.csv"])
def test_the_worst_come_first_and_failures_last(conviqt, tmp_path, kind):
    path = tmp_path / kind
    fill(path, record("good.mp4", 4.4), record("bad.mp4", None), record("=poor.mp4", 1.6))
    if kind == "resaved.csv":
        saved_again(path, delimiter=";", comma=True)
    before = path.read_bytes()
    done = conviqt("summary", path, "--xlsx", tmp_path / "a.xlsx")
    lines = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert lines[0][:4] == ["1.60", "poor", "1.60", "=poor.mp4"] and lines[1][3] == "good.mp4"
    assert lines[2][:2] == ["failed", "bad.mp4"] and "2  scored" in done.stdout
    assert done.returncode == 0 and path.read_bytes() == before
    names = conviqt("summary", path, "--sort", "name", "--reverse", "--limit", "1").stdout.splitlines()
    assert "good.mp4" in names[1] and names[2] == "and 2 more"
    page = conviqt("summary", path, "--html", tmp_path / "a.html", "--limit", "1").returncode
    assert page == 0 and "<td>=poor.mp4</td><td>1.60</td>" in (tmp_path / "a.html").read_text()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet, strings = (book.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "sharedStrings"))
    assert "=poor.mp4" in strings and "<f>" not in sheet and "<v>1.6</v>" in sheet


@pytest.mark.parametrize(("name", "text"), [("a.csv", "x,y\n"), ("a.json", "[1"), ("a.srt", ""), ("none.csv", None)])
def test_what_is_no_score_file_is_wrong_usage(conviqt, tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text)
    done = conviqt("summary", tmp_path / name)
    assert done.returncode == 2 and name in done.stderr and "Traceback" not in done.stderr
