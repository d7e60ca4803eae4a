"""Parquet: a row per video with typed columns, made of the JSON records of a run.

=====================  ===============================================================================================
source, status         as in CSV; so are quality, word, interval_low, interval_high, novelty, pooling, duration, width,
                       height, codec, cause, error_code, error, model, model_checksum, encoder_id, regressor, settings
                       (JSON), bytes, mtime_ns, sha256 and wall_seconds
scale                  name, ends and direction of the scale of quality, as JSON
higher_is_better       its direction
segments               list of start, end, quality, interval_low, interval_high, diagnosis, diagnosis_level and
                       diagnosis_probability
events                 list of code, start, end and text
warnings               list of codes
=====================  ===============================================================================================

What is empty in CSV is null. The file's metadata say which schema it is (``conviqt_schema``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_whole
from conviqt_cli.scorefiles.record import identity
from conviqt_cli.scoring.results import SCHEMA, ModelInfo

#: Rows converted at once.
_BATCH = 500

#: Where a file says which schema its rows have.
SCHEMA_KEY = b"conviqt_schema"


def pyarrow() -> Any:
    """The library; raises :class:`UsageError` where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError("Parquet needs pyarrow: pip install 'conviqt[parquet]'", setting="format") from None
    return pyarrow


def write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows as a Parquet file, which appears when it is complete; returns how many there were."""
    arrow = pyarrow()
    schema, count = _schema(arrow), 0
    with write_whole(path) as temporary, arrow.parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def read_parquet(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a file, some at a time; raises :class:`UsageError` for one that is not of this program."""
    arrow = pyarrow()
    try:
        file = arrow.parquet.ParquetFile(path)
        if (file.schema_arrow.metadata or {}).get(SCHEMA_KEY) != SCHEMA.encode():
            raise UsageError(f"{path}: not scores of this program, or of another version of it")
        for batch in file.iter_batches(_BATCH, columns=columns):
            yield from batch.to_pylist()
    except (OSError, arrow.ArrowInvalid) as error:
        raise UsageError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None


def drop_rows(path: Path, dropped: Callable[[str], bool]) -> None:
    """Replace a file by one without the rows whose ``source`` is to be dropped."""
    arrow = pyarrow()
    table = arrow.parquet.read_table(path)
    kept = arrow.array([not dropped(source) for source in table.column("source").to_pylist()])
    with write_whole(path) as temporary:
        arrow.parquet.write_table(table.filter(kept), temporary, compression="zstd")


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a JSON record."""
    made = identity(ModelInfo(**record["model"]), record["settings"])
    row: dict[str, Any] = {"source": record["source"], "status": record["status"], **_renamed(made)}
    if record["file"] is not None:
        row |= record["file"]
    if record["status"] == "failed":
        return {**row, "error_code": record["error"]["code"], "error": record["error"]["text"]}
    video, scale = record["video"], record["scale"]
    return {
        **row,
        **{name: record[name] for name in ("quality", "word", "novelty", "pooling", "cause", "wall_seconds")},
        **{name: video[name] for name in ("duration", "width", "height", "codec")},
        **_ends(record["interval"]),
        "scale": json.dumps({name: scale[name] for name in sorted(scale) if name != "description"}),
        "higher_is_better": scale["higher_is_better"],
        "segments": [_segment(segment) for segment in record["segments"]],
        "events": [{name: event[name] for name in ("code", "start", "end", "text")} for event in record["events"]],
        "warnings": [note["code"] for note in record["warnings"]],
    }


def _renamed(made: Mapping[str, str]) -> dict[str, str]:
    return {name: value if name != "settings" else json.dumps(json.loads(value)) for name, value in made.items()}


def _segment(segment: Mapping[str, Any]) -> dict[str, Any]:
    seen = segment["diagnosis"] or {}
    return {
        **{name: segment[name] for name in ("start", "end", "quality")},
        **_ends(segment["interval"]),
        "diagnosis": seen.get("family"),
        "diagnosis_level": seen.get("level"),
        "diagnosis_probability": seen.get("probability"),
    }


def _ends(interval: Mapping[str, float] | None) -> dict[str, float]:
    if interval is None:
        return {}
    return {"interval_low": interval["low"], "interval_high": interval["high"]}


def _schema(arrow: Any) -> Any:
    text, whole, number = arrow.string(), arrow.int64(), arrow.float64()
    ends = [("interval_low", number), ("interval_high", number)]
    segment = arrow.struct(
        [
            ("start", number), ("end", number), ("quality", number), *ends,
            ("diagnosis", text), ("diagnosis_level", number), ("diagnosis_probability", number),
        ]
    )  # fmt: skip
    event = arrow.struct([("code", text), ("start", number), ("end", number), ("text", text)])
    return arrow.schema(
        [
            ("source", text), ("status", text), ("quality", number), ("word", text), *ends, ("novelty", number),
            ("pooling", text), ("scale", text), ("higher_is_better", arrow.bool_()),
            ("duration", number), ("width", arrow.int32()), ("height", arrow.int32()), ("codec", text), ("cause", text),
            ("segments", arrow.list_(segment)), ("events", arrow.list_(event)), ("warnings", arrow.list_(text)),
            ("error_code", text), ("error", text),
            ("model", text), ("model_checksum", text), ("encoder_id", text), ("regressor", text), ("settings", text),
            ("bytes", whole), ("mtime_ns", whole), ("sha256", text), ("wall_seconds", number),
        ],
        metadata={SCHEMA_KEY: SCHEMA.encode()},
    )  # fmt: skip
