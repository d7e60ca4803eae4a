"""Reading a score file that nobody is writing to: what it says of each video, without changing it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.formats import Format, format_of
from conviqt_cli.scorefiles.json_records import entry_of
from conviqt_cli.scorefiles.record import Entry


def read_entries(path: Path) -> list[Entry]:
    """One entry per video, in the order of the file; of several rows of one video the last counts.

    Files that a spreadsheet has saved again are read, too, and so is what an interrupted run has left. Raises
    :class:`UsageError` for a file that cannot be read as scores, with the line where that is known.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; `conviqt merge` makes one file of a folder of Parquet files")
    form = format_of(path)
    if form.rows is None:
        raise UsageError(f"{path}: {form.name} files hold no rows; give a CSV or JSON file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        found = _document(data) if form.document else _rows(data, form)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not scores of this program: {error}") from None
    return list({entry.source: entry for entry in found}.values())


def _document(data: bytes) -> list[Entry]:
    document = json.loads(data)
    return [entry_of(record) for record in (document if isinstance(document, list) else [document])]


def _rows(data: bytes, form: Format) -> list[Entry]:
    assert form.rows is not None
    first = data.split(b"\n", 1)[0]
    # In UTF-16, every other byte is zero.
    headings = re.split(rb"[,;\t\"\r ]+", first.replace(b"\0", b""))
    rows = form.rows(form.by_segment and b"segment" in headings)
    rows.prepare(first)
    if data.startswith(rows.header):
        try:
            return [entry for _, entry in rows.scan(io.BytesIO(data[len(rows.header) :]))]
        except ValueError:
            pass  # saved again by another program, perhaps
    adopted = rows.adopt(data)
    return [entry for _, entry in rows.scan(io.BytesIO(adopted))]
