"""Formats of score files, one entry each: to add one, write its :class:`RowFormat` and list it in :data:`FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from conviqt_cli.errors import UsageError

if TYPE_CHECKING:  # the command line's help lists the formats, and must not wait for numpy
    from conviqt_cli.scorefiles.record import Entry, Record


class RowFormat(Protocol):
    """A format to which results can be appended. ``header`` is how such a file begins."""

    header: bytes

    def encode(self, record: Record) -> bytes:
        """All rows of one record, complete lines."""
        ...

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """Read what follows the header: for each record its length in bytes and what it says, in file order.

        Ends before a record that the file does not hold completely, as a crash may leave one at the end. Raises
        ``ValueError``, with a number of bytes and a reason, for rows before the end that are not of this format.
        """
        ...


@dataclass(frozen=True)
class Format:
    """A format of score files.

    Args:
        suffixes: endings of its file names, in lower case, the usual one first.
        description: what it is, in a few words, for help texts.
        rows: makes its row format; the argument says whether rows are segments.
        by_segment: whether rows can be segments.
        document: whether the file is one JSON document, written when all rows are there.
    """

    suffixes: tuple[str, ...]
    description: str
    rows: Callable[[bool], RowFormat]
    by_segment: bool = False
    document: bool = False


def _csv(segments: bool) -> RowFormat:
    from conviqt_cli.scorefiles.csv_rows import CsvFormat

    return CsvFormat(segments)


def _ndjson(segments: bool) -> RowFormat:
    from conviqt_cli.scorefiles.json_records import NdjsonFormat

    return NdjsonFormat()


FORMATS = (
    Format((".csv",), "a row per video or, on request, per segment", _csv, by_segment=True),
    Format((".json",), "one JSON document", _ndjson, document=True),
    Format((".ndjson", ".jsonl"), "a JSON object per line", _ndjson),
)


def format_of(path: Path) -> Format:
    """The format that the ending of a file name asks for; raises :class:`UsageError` for an unknown ending."""
    suffix = path.suffix.lower()
    for each in FORMATS:
        if suffix in each.suffixes:
            return each
    raise UsageError(f"{path}: unknown format; the name must end in {suffix_list()}", setting="output")


def suffix_list() -> str:
    """The usual ending of every format, as in a sentence: ``.csv, .json or .ndjson``."""
    *most, last = (each.suffixes[0] for each in FORMATS)
    return f"{', '.join(most)} or {last}"


def row_format(path: Path, segments: bool = False) -> RowFormat:
    """The rows of the format of ``path``; raises as :func:`check_format` does.

    ``segments`` asks for one row per segment. Of a document it is the format of the rows before they are joined.
    """
    check_format(path, segments)
    return format_of(path).rows(segments)


def check_format(path: Path, segments: bool = False) -> None:
    """Raise :class:`UsageError` unless ``path`` names a format and, with ``segments``, one with rows per segment."""
    if segments and not format_of(path).by_segment:
        able = ", ".join(each.suffixes[0] for each in FORMATS if each.by_segment)
        raise UsageError(
            f"{path}: only {able} has rows per segment; JSON always holds the segments", setting="segments"
        )
    format_of(path)
