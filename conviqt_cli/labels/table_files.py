"""Reading tables as they circulate: any delimiter, encoding, decimal mark, header or none, long or wide, text or MAT.

Reading never interprets what the columns mean (see :mod:`.columns`) and never executes anything in a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

from conviqt_cli.errors import LabelError
from conviqt_cli.labels.table import Table, number

_DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar", ",": "comma"}
_MOST_BYTES = 500_000_000


def read_table(path: Path) -> Table:
    """Read a delimited text file or a MATLAB file (version 7.2 or older).

    Raises :class:`LabelError` when it is missing, empty, not a table, or of a kind that cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise LabelError(f"{path}: too large for a table of labels ({path.stat().st_size / 1e6:.0f} MB)")
        data = path.read_bytes()
    except FileNotFoundError:
        raise LabelError(f"{path}: no such label file") from None
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror})") from None
    if not data.strip():
        raise LabelError(f"{path}: the file is empty")
    if data[:6] == b"MATLAB" or path.suffix.lower() == ".mat":
        from conviqt_cli.labels.mat_files import read_mat

        return read_mat(path)
    if data[:2] == b"PK":
        raise LabelError(f"{path}: a spreadsheet or an archive, not a text table; save the sheet as CSV")
    text, encoding = _decode(path, data)
    return _parse(path, text, encoding)


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif data[:3] == b"\xef\xbb\xbf":
        encoding = "utf-8-sig"
    else:
        encoding = "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = data.decode(encoding)
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        raise LabelError(f"{path}: not a table of text but binary data; pickled files are never opened")
    return text, encoding


def _parse(path: Path, text: str, encoding: str) -> Table:
    lines = [
        (i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip() and not line.startswith("#")
    ]
    best_share, best = 0.0, None
    for delimiter in (*_DELIMITERS, " "):
        try:
            rows = [(i, _cells(line, delimiter)) for i, line in lines]
        except csv.Error:
            continue
        # Cells that are empty at the end of a line are a spreadsheet's padding; lines of nothing else are none at all.
        rows = [(i, row) for i, row in rows if any(row)]
        width, count = Counter(_used(row) for _, row in rows).most_common(1)[0] if rows else (0, 0)
        if width > 1 and count > best_share * len(rows):
            best_share, best = count / len(rows), (delimiter, rows)
    if best is None or best_share < 0.5:
        raise LabelError(f"{path}: no table with two or more columns (tried commas, semicolons, tabs, | and spaces)")
    delimiter, rows = best
    # Last columns may be empty in some rows, so the table is as wide as its widest common row.
    widths = Counter(_used(row) for _, row in rows)
    width = max(each for each, count in widths.items() if count >= max(2, 0.05 * len(rows)) or len(rows) < 3)
    odd = [i for i, row in rows if len(row) < 2 or _used(row) > width]
    cells = [(row + [""] * width)[:width] for _, row in rows if len(row) >= 2 and _used(row) <= width]
    form = f"{_DELIMITERS.get(delimiter, 'space')}-separated {encoding} text"
    return _with_header(path, cells, form, odd)


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True))]


def _used(row: list[str]) -> int:
    """Width without empty cells at the end."""
    return max((i for i, cell in enumerate(row, start=1) if cell), default=0)


def _with_header(path: Path, cells: list[list[str]], form: str, odd: list[int]) -> Table:
    if len(cells) >= 2 and len(cells[0]) >= 2 * len(cells) and _is_wide(cells):
        cells = [list(column) for column in zip(*cells, strict=True)]
        form += ", one column a video"
    first, rest = cells[0], cells[1:]
    if not rest:
        header = None if any(_is_number(cell) for cell in first) else first
    else:
        header = None
        for index, cell in enumerate(first):
            numeric = [number(row[index]) is not None for row in rest]
            if cell and number(cell) is None and sum(numeric) >= 0.8 * len(rest):
                header = first
    rows = cells if header is None else rest
    if not rows:
        raise LabelError(f"{path}: the table has a header but no rows")
    return Table(header, rows, form + (", with a header" if header else ", no header"), odd)


def _is_number(cell: str) -> bool:
    return bool(cell) and number(cell) is not None


def _is_wide(cells: list[list[str]]) -> bool:
    """Whether each row is a quantity (``MOS, 43.0, 45.7, ...``) under a row of names."""
    scores = any(re.fullmatch(r"d?mos.*|.*score.*", row[0].strip().lower()) for row in cells[1:])
    numeric = all(sum(number(cell) is not None for cell in row[1:]) >= 0.8 * (len(row) - 1) for row in cells[1:])
    return scores and numeric
