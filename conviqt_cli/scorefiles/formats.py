"""Formats of score files, one entry each, listed in :data:`FORMATS`.

To add one, write its :class:`RowFormat`, or a function from a score to a text where a file holds one video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from conviqt_cli.errors import UsageError

if TYPE_CHECKING:  # the command line's help lists the formats, and must not wait for numpy
    from conviqt_cli.scorefiles.record import Entry, FileFacts, Record
    from conviqt_cli.scoring.results import VideoScore


class RowFormat(Protocol):
    """A format to which results can be appended. ``header`` is how such a file begins."""

    header: bytes

    def prepare(self, first_line: bytes) -> None:
        """Learn from the first line of a file what ``header`` is in it, where that may differ from file to file."""
        ...

    def encode(self, record: Record) -> bytes:
        """All rows of one record, complete lines."""
        ...

    def renamed(self, rows: bytes, old: str, new: str, file: FileFacts) -> bytes:
        """All rows of the record of ``old``, as those of ``new``, which is ``file``."""
        ...

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """Read what follows the header: for each record its length in bytes and what it says, in file order.

        Ends before a record that the file does not hold completely, as a crash may leave one at the end. Raises
        ``ValueError``, with a number of bytes and a reason, for rows before the end that are not of this format.
        """
        ...

    def adopt(self, data: bytes) -> bytes:
        """The rows of a file that another program has saved again, as this program writes them.

        ``header`` is then the one that goes with them. Raises ``ValueError``, with the line and what is wrong with it,
        when the rows do not say what this program would have written.
        """
        ...


@dataclass(frozen=True)
class Format:
    """A format of score files: either ``rows``, to which results can be appended, or the ``text`` of one video.

    Args:
        suffixes: endings of its file names, in lower case, the usual one first.
        description: what it is, in a few words, for help texts.
        rows: makes its row format; the argument says whether rows are segments.
        text: the whole file of one video's score.
        by_segment: whether rows can be segments.
        document: whether the file is one JSON document, written when all rows are there.
        folder: whether it is a folder of files, which rows are added to, rather than a file.
    """

    suffixes: tuple[str, ...]
    description: str
    rows: Callable[[bool], RowFormat] | None = None
    text: Callable[[VideoScore], str] | None = None
    by_segment: bool = False
    document: bool = False
    folder: bool = False

    @property
    def name(self) -> str:
        """What it is asked for by: the usual ending, without its dot."""
        return self.suffixes[0][1:]


def _csv(segments: bool) -> RowFormat:
    from conviqt_cli.scorefiles.csv_rows import CsvFormat

    return CsvFormat(segments)


def _ndjson(segments: bool) -> RowFormat:
    from conviqt_cli.scorefiles.json_records import NdjsonFormat

    return NdjsonFormat()


def _srt(score: VideoScore) -> str:
    from conviqt_cli.scorefiles.subtitles import srt

    return srt(score)


def _vtt(score: VideoScore) -> str:
    from conviqt_cli.scorefiles.subtitles import vtt

    return vtt(score)


FORMATS = (
    Format((".csv",), "a row per video or, on request, per segment", _csv, by_segment=True),
    Format((".json",), "one JSON document", _ndjson, document=True),
    Format((".ndjson", ".jsonl"), "a JSON object per line", _ndjson),
    Format((".parquet",), "a folder of Parquet files, for any number of videos", folder=True),
    Format((".srt",), "subtitles that show each segment's score, of one video", text=_srt),
    Format((".vtt",), "the same as WebVTT", text=_vtt),
)


def format_named(name: str) -> Format:
    """The format of that name (``csv``, ``srt``); raises :class:`UsageError` for an unknown one."""
    for each in FORMATS:
        if f".{name.lower()}" in each.suffixes:
            return each
    raise UsageError(f"{name}: unknown format; choose {_listed([each.name for each in FORMATS])}", setting="format")


def format_of(path: Path) -> Format:
    """The format that the ending of a file name asks for; raises :class:`UsageError` for an unknown ending."""
    suffix = path.suffix.lower()
    for each in FORMATS:
        if suffix in each.suffixes:
            return each
    raise UsageError(f"{path}: unknown format; the name must end in {suffix_list()}", setting="output")


def suffix_list() -> str:
    """The usual ending of every format, as in a sentence: ``.csv, .json or .ndjson``."""
    return _listed([each.suffixes[0] for each in FORMATS])


def check_segments(form: Format) -> None:
    """Raise :class:`UsageError` unless rows of the format can be segments."""
    if not form.by_segment:
        able = _listed([each.name for each in FORMATS if each.by_segment])
        raise UsageError(f"{form.name} has no rows per segment, only {able} has", setting="segments")


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
