"""The columns of CSV score files, and what a cell of each kind says; :mod:`.csv_rows` describes them."""

from __future__ import annotations

import json
import math
from functools import lru_cache

from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.scorefiles.cells import original, unguarded

IDENTITY = ("model", "model_checksum", "encoder_id", "regressor", "settings")
_RUN_COLUMNS = ("error_code", "error", "scale", *IDENTITY, "bytes", "mtime_ns", "sha256", "wall_seconds")
VIDEO_COLUMNS = (
    "schema", "source", "status", "quality", "word", "interval_low", "interval_high", "novelty", "pooling", "segments",
    "worst_start", "worst_quality", "duration", "width", "height", "codec", "cause", "events",
    "warnings",
    *_RUN_COLUMNS,
)  # fmt: skip
SEGMENT_COLUMNS = (
    "schema", "source", "status", "segment", "segments", "start", "end", "quality", "word", "interval_low",
    "interval_high", "diagnosis", "diagnosis_level", "diagnosis_probability", "video_quality", "novelty", "events",
    "warnings", *_RUN_COLUMNS,
)  # fmt: skip

#: Columns that hold numbers; all others hold texts, which are escaped as :mod:`.cells` says.
WHOLE_NUMBERS = frozenset(("segment", "segments", "width", "height", "bytes", "mtime_ns"))
NUMBERS = WHOLE_NUMBERS | {
    *("quality", "interval_low", "interval_high", "novelty", "worst_start", "worst_quality", "duration"),
    *("start", "end", "diagnosis_level", "diagnosis_probability", "video_quality", "wall_seconds"),
}


def text_of(column: str, cell: str) -> str:
    """What a cell says: a number as it stands, a text without its escapes."""
    return cell if column in NUMBERS else original(unguarded(cell))


def is_number(text: str) -> bool:
    """Whether ``text`` is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@lru_cache(maxsize=64)
def scale_of(cell: str) -> Scale:
    """The scale that a cell describes; raises ``ValueError`` for anything else."""
    if not cell:  # written before there was this column
        return ACR
    try:
        return Scale.from_dict(json.loads(cell))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a scale: {cell}") from error
