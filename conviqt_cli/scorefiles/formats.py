"""What the formats of score files have in common: records become bytes, and those bytes can be read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.record import Entry, Record
from conviqt_cli.scoring.results import FailedScore, VideoScore

Result = VideoScore | FailedScore

#: File endings, and the format each stands for.
SUFFIXES = (".csv", ".json", ".ndjson", ".jsonl")


class RowFormat(Protocol):
    """A format to which results can be appended. ``header`` is how such a file begins."""

    header: bytes

    def encode(self, record: Record) -> bytes:
        """All rows of one record, whole lines."""
        ...

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """Read what follows the header: for each record its length in bytes and what it says, in file order.

        Ends before a record that the file does not hold as a whole, as a crash may leave one at the end. Raises
        ``ValueError``, with a number of bytes and a reason, for rows in its midst that are not of this format.
        """
        ...


def row_format(path: Path, segments: bool = False) -> RowFormat:
    """The format that a file name asks for; raises :class:`UsageError` for an unknown ending.

    ``segments`` asks for one CSV row per segment. For ``.json`` it is the format of the rows before they are joined.
    """
    from conviqt_cli.scorefiles.csv_rows import CsvFormat
    from conviqt_cli.scorefiles.json_records import NdjsonFormat

    check_suffix(path)
    return CsvFormat(segments) if path.suffix.lower() == ".csv" else NdjsonFormat()


def check_suffix(path: Path) -> None:
    """Raise :class:`UsageError` unless the ending of ``path`` names a format."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {path}: cannot tell the format; end the name in .csv, .json or .ndjson")
