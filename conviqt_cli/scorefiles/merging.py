"""A folder of Parquet files as one CSV or Parquet file: one row per video, in the order in which they were scored."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_whole
from conviqt_cli.scorefiles.cells import guarded
from conviqt_cli.scorefiles.csv_columns import NUMBERS, VIDEO_COLUMNS, WHOLE_NUMBERS
from conviqt_cli.scorefiles.csv_rows import number
from conviqt_cli.scorefiles.parquet_rows import write_parquet
from conviqt_cli.scorefiles.shards import finished_files, newest, partial_file
from conviqt_cli.scoring.events import CUT
from conviqt_cli.scoring.results import SCHEMA


def merge(folder: Path, target: Path) -> int:
    """Write one file of what ``folder`` holds, the rows of an unfinished file included; returns how many rows.

    Of several rows of one video the last one counts. Rows are read and written some at a time.

    Raises :class:`UsageError` for a folder without scores, and for a target of another kind than CSV or Parquet.
    """
    if not folder.is_dir() or (not finished_files(folder) and partial_file(folder) is None):
        raise UsageError(f"{folder}: no folder of scores; give one that `conviqt score --format parquet` wrote")
    rows = newest(folder)
    if target.suffix.lower() == ".parquet":
        return write_parquet(target, rows)
    if target.suffix.lower() != ".csv":
        raise UsageError(f"{target}: one file is written as .csv or .parquet; end the name so", setting="output")
    count = 0
    with write_whole(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(VIDEO_COLUMNS) + "\n")
        for row in rows:
            file.write(_line(row))
            count += 1
    return count


def _line(row: dict[str, Any]) -> str:
    """A row as :mod:`.csv_rows` writes it, which a later run can carry on."""
    cells = {name: _cell(name, row.get(name)) for name in VIDEO_COLUMNS if name not in ("segments", "events")}
    cells["schema"] = SCHEMA
    if row["status"] == "scored":
        worst = min(
            row["segments"],
            key=lambda each: (each["quality"] if row["higher_is_better"] else -each["quality"], each["start"]),
        )
        cells |= {
            "segments": str(len(row["segments"])),
            "worst_start": number(worst["start"]),
            "worst_quality": number(worst["quality"]),
            "events": " ".join(dict.fromkeys(each["code"] for each in row["events"] if each["code"] != CUT)),
            "warnings": " ".join(row["warnings"]),
            "scale": row["scale"],
            "wall_seconds": f"{row['wall_seconds']:.3f}",
        }
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([cells.get(name, "") for name in VIDEO_COLUMNS])
    return buffer.getvalue()[:-2] + "\n"


def _cell(column: str, value: Any) -> str:
    if value is None or isinstance(value, list):
        return ""
    if column in WHOLE_NUMBERS:
        return str(value)
    return number(value) if column in NUMBERS else guarded(str(value))
