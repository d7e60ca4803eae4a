"""CSV score files that a spreadsheet, or another program, has saved again.

Such a program may separate cells by semicolons or tabs, write decimal commas, quote everything, end lines with CR LF,
begin with a byte order mark, save in UTF-16 or Windows-1252, shorten numbers, sort rows, and add or leave out columns.
What the rows say is still there, and is read:

- Columns are found by their headings. Added ones are kept; of this program's own, those that say what a row is and what
  made it must be there.
- Rows of segments may have been sorted: they are brought together again, and all of a video's must be there.
- Numbers too long for a spreadsheet (``mtime_ns``) come back rounded. A file is then known by its content.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence

from conviqt_cli.scorefiles.csv_columns import NUMBERS, WHOLE_NUMBERS, is_number, scale_of, text_of
from conviqt_cli.scoring.results import DECIMALS, SCHEMA

_NEEDED = ("schema", "source", "status", "quality", "model", "model_checksum", "encoder_id", "regressor", "settings")
_NEEDED_OF_SEGMENTS = ("segment", "segments", "video_quality")
_DELIMITERS = ",;\t"


def read_resaved(data: bytes, columns: Sequence[str], segments: bool) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Headings of added columns, and the rows by column.

    ``columns`` are this program's, ``segments`` says whether rows are segments. Raises ``ValueError`` with the line
    and what is wrong with it.
    """
    text = _decoded(data)
    delimiter = _delimiter(text)
    if delimiter is None:
        raise ValueError("line 1 is not a header of this program")
    lines = _lines(text, delimiter)
    headings = [heading.strip() for heading in next(lines)[1]]
    added = tuple(heading for heading in headings if heading and heading not in columns)
    if "segment" in headings and not segments:
        raise ValueError("it holds a row per segment, not per video")
    needed = (*_NEEDED, *(_NEEDED_OF_SEGMENTS if segments else ()))
    missing = [name for name in needed if name not in headings]
    if missing:
        raise ValueError(f"line 1 lacks the column {missing[0]}")
    if len(set(headings) - {""}) != len([heading for heading in headings if heading]):
        raise ValueError("line 1 names a column twice")
    rows = []
    for number, cells in lines:
        if not any(cells):
            continue
        try:
            rows.append((number, _row(headings, cells, columns, delimiter)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return added, list(_gathered(rows)) if segments else [row for _, row in rows]


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str | None:
    first = text.split("\n", 1)[0].rstrip("\r")
    for each in _DELIMITERS:
        if {"schema", "source"} <= {cell.strip() for cell in next(csv.reader([first], delimiter=each), [])}:
            return each
    return None


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line each begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"line {number}: {error}") from None


def _row(headings: Sequence[str], cells: Sequence[str], columns: Sequence[str], delimiter: str) -> dict[str, str]:
    if len(cells) > len(headings) and any(cells[len(headings) :]):
        raise ValueError(f"{len(cells)} cells under {len(headings)} headings")
    # Some programs leave out the empty cells at the end of a row.
    padded = [*cells, *[""] * (len(headings) - len(cells))]
    row = {name: text_of(name, cell) for name, cell in zip(headings, padded, strict=False) if name}
    if row["schema"] != SCHEMA:
        raise ValueError(f"its schema is {row['schema'] or 'missing'}, not {SCHEMA}")
    if row["status"] not in ("scored", "failed"):
        raise ValueError(f"its status is {row['status'] or 'missing'}, not scored or failed")
    for name in (each for each in headings if each in NUMBERS and each in columns):
        row[name] = _number(name, row[name].strip(), delimiter)
    needed = () if row["status"] == "failed" else ("quality", *(set(_NEEDED_OF_SEGMENTS) & set(columns)))
    for name in needed:
        if not row[name]:
            raise ValueError(f"it has no {name}")
    try:
        scale_of(row.get("scale", ""))
        if not isinstance(json.loads(row["settings"]), dict):
            raise ValueError
    except ValueError:
        raise ValueError("its settings or scale are not what this program wrote") from None
    return row


def _number(name: str, cell: str, delimiter: str) -> str:
    """A number as this program writes it."""
    plain = cell.replace(",", ".") if delimiter != "," else cell
    if not plain:
        return ""
    if not is_number(plain):
        raise ValueError(f"its {name} is {cell}, not a finite number")
    if name in WHOLE_NUMBERS:
        return plain if plain.isdigit() else str(int(float(plain)))
    return f"{float(plain):.{3 if name == 'wall_seconds' else DECIMALS}f}"


def _gathered(rows: list[tuple[int, dict[str, str]]]) -> Iterator[dict[str, str]]:
    """Rows of segments, those of each video together and in order."""
    videos: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        videos.setdefault(row["source"], []).append((number, row))
    for found in videos.values():
        number, first = found[0]
        if first["status"] == "failed":
            yield from (row for _, row in found)
            continue
        ordered = sorted((row for _, row in found), key=lambda row: int(row["segment"] or -1))
        if [row["segment"] for row in ordered] != [str(index) for index in range(int(first["segments"]))]:
            raise ValueError(f"line {number}: not every segment of its video is in the file, or one is there twice")
        yield from ordered
