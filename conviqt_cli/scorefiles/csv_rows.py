"""CSV: one row per video, or one per segment.

Comma-separated, quoted where needed, a header, ``\\n`` after each row, UTF-8; how odd names are written is described in
:mod:`.cells`. A file that another program has saved again is read as :mod:`.resaved_csv` says. Columns of a score per
video (``-o FILE.csv``):

==================  ====================================================================================================
schema              version of this layout
source              the video, as named to the program (a path or a URL)
status              ``scored`` or ``failed``
quality             pooled quality on the model's scale; empty when failed
word                bad, poor, fair, good or excellent; empty on scales other than 1 to 5
interval_low        lower end of the interval that holds the opinion score in 90 % of videos; empty where not known
interval_high       its upper end
novelty             how unlike the regressor's training videos it is; above 1: outside them; empty where not known
pooling             how segment qualities were made one
segments            number of segments scored
worst_start         start of the worst segment, seconds
worst_quality       its quality
duration            length as the container states it, seconds; empty where it does not
width, height       picture size as displayed, pixels
codec               ffmpeg's name of the video codec
cause               the main fault, such as ``compression``; empty where there is none, or it cannot be told
events              codes of the events (cuts left out), each once, separated by spaces
warnings            codes of the warnings, separated by spaces
error_code          why it failed, for programs: ``unreadable``, ``decode_failed``, ``limit``, ``changed``, ``internal``
error               the same for people
scale               name, ends and direction of the scale of quality, as JSON; empty when failed
model               bundle, with version
model_checksum      SHA-256 of the bundle's manifest, which pins its files
encoder_id          identity of the networks
regressor           ``bundled``, or name and content key of the one given with ``--regressor``
settings            sampling, pooling, span, device and precision, as JSON
bytes               size of the file; this and the next two are empty for URLs and files that cannot be opened
mtime_ns            its modification time, nanoseconds since 1970
sha256              its content key
wall_seconds        time it took to score, seconds: the one column that differs between two equal runs
==================  ====================================================================================================

With ``--segments`` a video has one row per segment, a failed one a single row. ``segment`` counts from 0, ``start``
and ``end`` are seconds, ``quality``, ``word`` and the interval are the segment's; ``diagnosis`` is the likeliest family
of distortion (``clean``: none, ``other``: none that is named), ``diagnosis_level`` its level from 0 to 5 and
``diagnosis_probability`` its probability, all empty where the model has no diagnosis; ``video_quality`` is the pooled
one; ``events`` are those of the segment's time; all others are as above.

Numbers have four decimals, ``wall_seconds`` three; they are the same as in JSON.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from conviqt_cli.quality.diagnosis import Diagnosis
from conviqt_cli.scorefiles.cells import guarded, visible
from conviqt_cli.scorefiles.csv_columns import (
    IDENTITY,
    NUMBERS,
    SEGMENT_COLUMNS,
    VIDEO_COLUMNS,
    is_number,
    scale_of,
    text_of,
)
from conviqt_cli.scorefiles.record import Entry, FileFacts, Record, interned
from conviqt_cli.scorefiles.resaved_csv import read_resaved
from conviqt_cli.scoring.events import CUT, Event
from conviqt_cli.scoring.results import DECIMALS, SCHEMA, Interval, VideoScore


class CsvFormat:
    """Rows with a header; a failed video is a row with a status and a reason."""

    def __init__(self, segments: bool = False) -> None:
        self._segments = segments
        self._own = SEGMENT_COLUMNS if segments else VIDEO_COLUMNS
        self._add(())

    def prepare(self, first_line: bytes) -> None:
        """See :meth:`RowFormat.prepare`: columns that were added in another program stay behind this program's."""
        try:
            headings = next(csv.reader([first_line.decode()], strict=True), [])
        except (csv.Error, UnicodeDecodeError):
            return
        if tuple(headings[: len(self._own)]) == self._own and len(set(headings)) == len(headings):
            self._add(headings[len(self._own) :])

    def encode(self, record: Record) -> bytes:
        """See :meth:`RowFormat.encode`."""
        result = record.result
        if not isinstance(result, VideoScore):
            rows = [{"status": "failed", "error_code": result.code, "error": result.reason}]
        elif self._segments:
            rows = segment_rows(result)
        else:
            rows = [video_row(result)]
        common = {"schema": SCHEMA, "source": result.source, **_run_cells(record)}
        return b"".join(self._row({**common, **row}) for row in rows)

    def adopt(self, data: bytes) -> bytes:
        """See :meth:`RowFormat.adopt`; columns that are not of this program stay, at the end."""
        added, rows = read_resaved(data, self._own, self._segments)
        self._add(added)
        return b"".join(map(self._row, rows))

    def renamed(self, rows: bytes, old: str, new: str, file: FileFacts) -> bytes:
        """See :meth:`RowFormat.renamed`."""
        written = b""
        for raw in _physical_rows(rows.splitlines(keepends=True)):
            row = self._parse(raw)
            assert row is not None, "rows that were read before"
            error = row["error"].replace(old, new, 1)
            written += self._row({**row, "source": new, "error": error, **_file_cells(file)})
        return written

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """See :meth:`RowFormat.scan`."""
        broken = False
        position, length, rows = 0, 0, 0
        qualities: list[float] = []
        for raw in _physical_rows(file):
            length += len(raw)
            rows += 1
            row = self._parse(raw)
            if row is not None and row["status"] == "scored":
                qualities.append(float(row["quality" if self._segments else "worst_quality"] or "nan"))
            if broken:
                raise ValueError(f"byte {position} is not within a row of this program")
            if row is None:
                broken = True
            elif not self._segments or row["status"] == "failed" or rows == int(row["segments"]):
                yield length, _entry(row, self._segments, qualities)
                position, length, rows, qualities = position + length, 0, 0, []
            elif row["segment"] != str(rows - 1):
                raise ValueError(f"the rows at byte {position} are not all there")

    def _add(self, headings: Sequence[str]) -> None:
        self._columns = (*self._own, *headings)
        self.header = _line(self._columns)

    def _row(self, cells: dict[str, str]) -> bytes:
        return _line([_cell(name, cells.get(name, "")) for name in self._columns])

    def _parse(self, raw: bytes) -> dict[str, str] | None:
        """A row by column, or ``None`` when it is none of this format."""
        try:
            cells = next(csv.reader([raw.decode()], strict=True))
        except (csv.Error, StopIteration, UnicodeDecodeError):
            return None
        row = {name: text_of(name, cell) for name, cell in zip(self._columns, cells, strict=False)}
        if len(cells) != len(self._columns) or row["schema"] != SCHEMA:
            return None
        numbers = row["quality"] if row["status"] == "scored" else "0"
        sound = row["status"] in ("scored", "failed") and is_number(numbers)
        sound = sound and all(row[name].isdigit() or not row[name] for name in ("bytes", "mtime_ns", "segments"))
        return row if sound else None


def video_row(score: VideoScore) -> dict[str, str]:
    """The cells of :data:`VIDEO_COLUMNS` that are of a score."""
    worst = score.worst(1)[0]
    return {
        "status": "scored",
        "quality": number(score.quality),
        "word": score.word or "",
        **_ends(score.interval),
        **_shared_cells(score),
        "pooling": score.pooling,
        "worst_start": number(worst.start),
        "worst_quality": number(worst.quality),
        "duration": number(score.video.duration),
        "width": str(score.video.width),
        "height": str(score.video.height),
        "codec": score.video.codec,
        "cause": score.verdict.cause or "",
        "events": _codes(score.events),
    }


def segment_rows(score: VideoScore) -> list[dict[str, str]]:
    """The cells of :data:`SEGMENT_COLUMNS` that are of a score, for each segment."""
    return [
        {
            "status": "scored",
            "segment": str(index),
            "start": number(segment.start),
            "end": number(segment.end),
            "quality": number(segment.quality),
            "word": score.scale.word(segment.quality) or "",
            **_ends(segment.interval),
            **_diagnosis(segment.diagnosis),
            "video_quality": number(score.quality),
            "events": _codes(each for each in score.events if each.start < segment.end and each.end > segment.start),
            **_shared_cells(score),
        }
        for index, segment in enumerate(score.segments)
    ]


def _codes(events: Iterable[Event]) -> str:
    return " ".join(dict.fromkeys(event.code for event in events if event.code != CUT))


def number(value: float | None) -> str:
    """A number as every format writes it, or nothing."""
    return "" if value is None else f"{round(value, DECIMALS):.{DECIMALS}f}"


def _shared_cells(score: VideoScore) -> dict[str, str]:
    return {
        "novelty": number(score.novelty),
        "segments": str(len(score.segments)),
        "warnings": " ".join(note.code for note in score.warnings),
        "scale": json.dumps(score.scale.to_dict(), sort_keys=True),
        "wall_seconds": f"{score.wall_seconds:.3f}",
    }


def _run_cells(record: Record) -> dict[str, str]:
    file = record.file
    return {**record.maker.identity, **({} if file is None else _file_cells(file))}


def _file_cells(file: FileFacts) -> dict[str, str]:
    return {"bytes": str(file.bytes), "mtime_ns": str(file.mtime_ns), "sha256": file.sha256}


def _ends(interval: Interval | None) -> dict[str, str]:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"interval_low": number(low), "interval_high": number(high)}


def _diagnosis(found: Diagnosis | None) -> dict[str, str]:
    if found is None:
        return {}
    level, probability = number(found.level), number(found.probability)
    return {"diagnosis": found.family, "diagnosis_level": level, "diagnosis_probability": probability}


def _cell(column: str, text: str) -> str:
    return text if column in NUMBERS else guarded(visible(text))


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    # This terminator makes the writer quote both CR and LF inside a cell; rows themselves end with LF.
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return (buffer.getvalue()[:-2] + "\n").encode()


def _physical_rows(file: Iterable[bytes]) -> Iterator[bytes]:
    """Whole rows, with the line breaks inside quotes; a last one that does not end is left out."""
    row, quotes = b"", 0
    for raw in file:
        row += raw
        quotes += raw.count(b'"')
        if quotes % 2 == 0 and row.endswith(b"\n"):
            yield row
            row, quotes = b"", 0


def _entry(row: dict[str, str], segments: bool, qualities: list[float]) -> Entry:
    """``qualities`` are those of the segments, or of the worst one alone."""
    identity = interned(row[name] for name in IDENTITY)
    file = FileFacts(int(row["bytes"]), int(row["mtime_ns"] or 0), row["sha256"]) if row["bytes"] else None
    if row["status"] == "failed":
        return Entry(row["source"], None, row["error_code"] or None, row["error"] or None, identity, file)
    scale = scale_of(row["scale"])
    quality = float(row["video_quality" if segments else "quality"])
    worst = scale.worst(qualities)
    return Entry(row["source"], quality, None, None, identity, file, worst, scale, sys.intern(row["warnings"]))
