"""Score files that a spreadsheet has saved again are carried on; what cannot be read is named by its line."""

import csv
import io

import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scorefiles.formats import format_of
from conviqt_cli.scorefiles.journal import Journal
from tests.scorefiles.test_journal import ODD, fill, open_journal, record

NAMES = ("-1.5.mp4", "=cmd|' /C calc'!A0.mp4", ODD, "@a;b\té.mp4", "'=x.mp4", r"a\xff.mp4")


def saved_again(
    path, delimiter=",", comma=False, encoding="utf-8", end="\r\n", quoting=csv.QUOTE_MINIMAL, turned=False
):
    """What a spreadsheet makes of the file: its own separators, rounded numbers, a column more, another order."""
    header, *rows = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
    numbers = {"quality", "worst_quality", "video_quality", "mtime_ns"}
    for row in rows:
        for index, name in enumerate(header):
            if name in numbers and row[index]:
                short = "1.5E+18" if name == "mtime_ns" else f"{float(row[index]):g}"
                row[index] = short.replace(".", ",") if comma else short
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["comment", *header])
    writer.writerows([f"note {index}", *row] for index, row in enumerate(rows[::-1] if turned else rows))
    path.write_bytes(text.getvalue().encode(encoding))


@pytest.mark.parametrize("kind", ["a.csv", "segments.csv"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"quoting": csv.QUOTE_ALL, "encoding": "utf-8-sig"},
        {"delimiter": ";", "comma": True, "encoding": "cp1252", "turned": True},
        {"delimiter": "\t", "encoding": "utf-16", "end": "\n"},
    ],
)
def test_a_file_that_a_spreadsheet_saved_is_carried_on(tmp_path, kind, how):
    path = tmp_path / kind
    fill(path, *(record(name) for name in NAMES), record("bad", None))
    saved_again(path, **how)
    journal = open_journal(path)
    assert set(journal.entries) == {*NAMES, "bad"} and len(journal.notes) == 1
    entry = journal.entries[ODD]
    assert (entry.quality, entry.worst, entry.file.bytes, entry.file.sha256) == (3.25, 3.25, 10, "f" * 64)
    assert entry.file.mtime_ns == 1_500_000_000_000_000_000 and journal.entries["bad"].reason == "bad: no"
    journal.append(record("new"))
    journal.close()
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert {row["comment"] for row in rows if row["source"] != "new"} >= {"note 0", "note 1"}
    assert rows[3]["quality"] == "3.2500" and rows[-1]["source"] == "new" and rows[-1]["comment"] == ""
    # From now on it is this program's own again, with the added column.
    journal = open_journal(path)
    assert len(journal.entries) == len(NAMES) + 2 and not journal.notes


def test_cells_are_text_in_utf8_and_no_formulas(tmp_path):
    data = fill(tmp_path / "a.csv", *(record(name, -1.5) for name in NAMES))
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [row["source"] for row in rows] == [
        "'-1.5.mp4", "'=cmd|' /C calc'!A0.mp4", visible(ODD), "'@a;b\té.mp4", "''=x.mp4", r"a\x5cxff.mp4",
    ]  # fmt: skip
    assert {row["quality"] for row in rows} == {"-1.5000"}
    lines = fill(tmp_path / "a.ndjson", *(record(name) for name in NAMES))
    assert b"\\ud" not in lines and list(open_journal(tmp_path / "a.ndjson").entries) == list(NAMES)


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("a.csv", b"3.2500", b"good", r"line 2: its quality is good, not a finite number"),
        ("a.csv", b"source", b"file", r"line 1 is not a header"),
        ("a.csv", b"encoder_id", b"encoder", r"line 1 lacks the column encoder_id"),
        ("a.csv", b",scored", b",fine", r"line 2: its status is fine"),
        ("segments.csv", b",1,2,", b",7,2,", r"line 2: not every segment of its video"),
        ("a.ndjson", b'"status": "scored"', b'"status": "fine"', r"line 1 is not a record"),
    ],
)
def test_what_cannot_be_read_names_the_line_and_stays_as_it_is(tmp_path, kind, old, new, said):
    path = tmp_path / kind
    data = b"\xef\xbb\xbf" + fill(path, record("a"), record("b")).replace(old, new)
    path.write_bytes(data)
    with pytest.raises(UsageError, match=said):
        open_journal(path)
    assert path.read_bytes() == data


def test_starting_over_keeps_a_copy_of_what_was_there(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("first", "second"):
        path.write_text(text)
        Journal(path, format_of(path).rows(False), fresh=True).close()
    assert (tmp_path / "a.csv.bak").read_text() == "first" and (tmp_path / "a.csv.bak2").read_text() == "second"


def test_a_file_without_a_single_row_is_not_left_behind(tmp_path):
    open_journal(tmp_path / "a.csv").close()
    assert not list(tmp_path.iterdir())
