"""What every report format is: results go in as they finish, a file comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TextIO

from conviqt_cli.errors import UsageError
from conviqt_cli.scores import FailedScore, VideoScore

Result = VideoScore | FailedScore

#: File endings, and the format each stands for.
SUFFIXES = (".csv", ".json", ".ndjson", ".jsonl")


class ResultWriter(Protocol):
    """Writes results of one kind of report to an open text file, in the order they come."""

    def write(self, result: Result) -> None:
        """Add one result; formats that can, put it on disk at once."""
        ...

    def close(self) -> None:
        """Finish the report; the file itself is its opener's to close."""
        ...


def writer_for(path: Path, file: TextIO, segments: bool, several: bool) -> ResultWriter:
    """The writer that a file name asks for; raises :class:`UsageError` for an unknown ending.

    ``segments`` asks for one CSV row per segment; ``several`` makes a JSON file an array.
    """
    from conviqt_cli.report.csv_rows import CsvWriter
    from conviqt_cli.report.json_records import JsonWriter, NdjsonWriter

    check_suffix(path)
    if path.suffix.lower() == ".csv":
        return CsvWriter(file, segments)
    if path.suffix.lower() == ".json":
        return JsonWriter(file, several)
    return NdjsonWriter(file)


def check_suffix(path: Path) -> None:
    """Raise :class:`UsageError` unless the ending of ``path`` names a format."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {path}: cannot tell the format; end the name in .csv, .json or .ndjson")
