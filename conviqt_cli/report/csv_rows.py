"""CSV: one row per video, or one per segment."""

from __future__ import annotations

import csv
from typing import TextIO

from conviqt_cli.report.writer import Result
from conviqt_cli.scores import DECIMALS, SCHEMA, Interval, VideoScore

VIDEO_COLUMNS = (
    "schema", "source", "status", "quality", "word", "interval_low", "interval_high", "novelty", "pooling", "segments",
    "worst_start", "worst_quality", "duration", "width", "height", "codec", "warnings", "error_code", "error",
    "model", "model_checksum", "wall_seconds",
)  # fmt: skip
SEGMENT_COLUMNS = (
    "schema", "source", "status", "segment", "start", "end", "quality", "word", "interval_low", "interval_high",
    "error_code", "error",
)  # fmt: skip


class CsvWriter:
    """Rows with a header, each flushed as it comes; a failed video is a row with a status and a reason."""

    def __init__(self, file: TextIO, segments: bool) -> None:
        self._file, self._segments = file, segments
        columns = SEGMENT_COLUMNS if segments else VIDEO_COLUMNS
        self._rows = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        self._rows.writeheader()

    def write(self, result: Result) -> None:
        """Write the rows of one result."""
        if not isinstance(result, VideoScore):
            failed = {"status": "failed", "error_code": result.code, "error": result.reason}
            self._rows.writerow({"schema": SCHEMA, "source": result.source, **failed})
        elif self._segments:
            self._rows.writerows(segment_rows(result))
        else:
            self._rows.writerow(video_row(result))
        self._file.flush()

    def close(self) -> None:
        """Nothing is left to do."""


def video_row(score: VideoScore) -> dict[str, str]:
    """One row of :data:`VIDEO_COLUMNS`."""
    worst = score.worst(1)[0]
    return {
        "schema": SCHEMA,
        "source": score.source,
        "status": "scored",
        "quality": number(score.quality),
        "word": score.word or "",
        **_ends(score.interval),
        "novelty": number(score.novelty),
        "pooling": score.pooling,
        "segments": str(len(score.segments)),
        "worst_start": number(worst.start),
        "worst_quality": number(worst.quality),
        "duration": number(score.video.duration),
        "width": str(score.video.width),
        "height": str(score.video.height),
        "codec": score.video.codec,
        "warnings": " ".join(note.code for note in score.warnings),
        "model": score.model.id,
        "model_checksum": score.model.checksum,
        "wall_seconds": f"{score.wall_seconds:.3f}",
    }


def segment_rows(score: VideoScore) -> list[dict[str, str]]:
    """One row of :data:`SEGMENT_COLUMNS` for each segment."""
    return [
        {
            "schema": SCHEMA,
            "source": score.source,
            "status": "scored",
            "segment": str(index),
            "start": number(segment.start),
            "end": number(segment.end),
            "quality": number(segment.quality),
            "word": score.scale.word(segment.quality) or "",
            **_ends(segment.interval),
        }
        for index, segment in enumerate(score.segments)
    ]


def number(value: float | None) -> str:
    """A number as every format writes it, or nothing."""
    return "" if value is None else f"{round(value, DECIMALS):.{DECIMALS}f}"


def _ends(interval: Interval | None) -> dict[str, str]:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"interval_low": number(low), "interval_high": number(high)}
