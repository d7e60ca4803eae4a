"""The result of scoring a video: the plain types that every report and score file is written from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from conviqt_cli.data_frames import data_frame
from conviqt_cli.quality.diagnosis import Diagnosis
from conviqt_cli.quality.scale import Scale
from conviqt_cli.scoring.events import CUT, Event
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.scoring.verdict import Part, Verdict, verdict
from conviqt_cli.video.picture import Rectangle
from conviqt_cli.video.probe import VideoInfo

if TYPE_CHECKING:
    import pandas

#: Segments shown in a notebook.
_SHOWN = 5

#: Version of the JSON and CSV layout; a change of meaning changes it, a field more does not.
SCHEMA = "conviqt-score/1"

#: Quality, times and intervals are written with this many decimals in every format, so that all formats agree.
DECIMALS = 4


@dataclass(frozen=True)
class Note:
    """A warning: ``code`` for programs, ``text`` for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Interval:
    """Where the opinion score is expected to lie with probability ``level``, in scale units."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class SegmentScore:
    """Quality of one clip, shown from ``start`` to ``end`` seconds.

    ``diagnosis`` says what distortion it looks like, ``None`` where the bundle has no diagnosis head.
    """

    start: float
    end: float
    quality: float
    interval: Interval | None = None
    diagnosis: Diagnosis | None = None

    @property
    def cause(self) -> str | None:
        """The distortion that it clearly shows; ``None`` for none, and where it cannot be told."""
        return None if self.diagnosis is None else self.diagnosis.cause


@dataclass(frozen=True)
class ModelInfo:
    """What made the score: bundle ``id``, SHA-256 of its manifest, identity of encoder and regressor."""

    id: str
    checksum: str
    encoder_id: str
    regressor: str
    provisional: bool


@dataclass(frozen=True)
class VideoScore:
    """Quality of one video.

    ``quality`` is the pooled score on ``scale``; ``word`` names it where the scale is the 1 to 5 one. ``novelty`` is
    how far the video lies from what the regressor was fitted on (above 1: outside it), ``None`` when not known.
    ``settings`` are those it was made with; ``wall_seconds`` is how long scoring took.
    ``scored_area`` is the picture inside black bars that most clips were cut down to, ``None`` for the whole frame.
    ``events`` are stretches in which something is to be seen that the score alone does not tell, in order of time.
    ``native_lines`` is the most lines that the picture was scaled up from, ``None`` where that was not seen.
    """

    source: str
    quality: float
    scale: Scale
    segments: tuple[SegmentScore, ...]
    video: VideoInfo
    model: ModelInfo
    settings: ScoringSettings
    frames_scored: int
    wall_seconds: float
    interval: Interval | None = None
    novelty: float | None = None
    warnings: tuple[Note, ...] = field(default=())
    scored_area: Rectangle | None = None
    events: tuple[Event, ...] = field(default=())
    native_lines: int | None = None

    @property
    def pooling(self) -> str:
        """How segment qualities became one."""
        return self.settings.pooling

    @property
    def word(self) -> str | None:
        """bad, poor, fair, good or excellent; ``None`` on other scales."""
        return self.scale.word(self.quality)

    @cached_property
    def verdict(self) -> Verdict:
        """What is said of it in one sentence, the cause, and the stretches that are clearly worse than the rest."""
        parts = [Part(each.start, each.end, each.quality, each.cause) for each in self.segments]
        return verdict(self.quality, self.scale, parts, self.events)

    def worst(self, count: int = 3) -> list[SegmentScore]:
        """The segments of lowest quality, worst first."""
        sign = 1 if self.scale.higher_is_better else -1
        return sorted(self.segments, key=lambda segment: (sign * segment.quality, segment.start))[:count]

    def row(self) -> dict[str, Any]:
        """The video in one row of a table: numbers as numbers, ``None`` where there is nothing to say."""
        worst = self.worst(1)[0]
        return {
            **_row(self.source),
            "quality": float(self.quality),
            "word": self.word,
            "interval_low": self.interval.low if self.interval else None,
            "interval_high": self.interval.high if self.interval else None,
            "verdict": self.verdict.text,
            "cause": self.verdict.cause,
            "worst_start": worst.start,
            "worst_quality": worst.quality,
            "segments": len(self.segments),
            "novelty": self.novelty,
            "events": " ".join(dict.fromkeys(event.code for event in self.events if event.code != CUT)),
            "warnings": " ".join(note.code for note in self.warnings),
            "width": self.video.width,
            "height": self.video.height,
            "duration": self.video.duration,
            "codec": self.video.codec,
        }

    def segment_rows(self) -> list[dict[str, Any]]:
        """A row per segment, as :meth:`row` has them."""
        return [
            {
                "source": self.source,
                "start": each.start,
                "end": each.end,
                "quality": each.quality,
                "word": self.scale.word(each.quality),
                "interval_low": each.interval.low if each.interval else None,
                "interval_high": each.interval.high if each.interval else None,
                "diagnosis": each.diagnosis.family if each.diagnosis else None,
                "diagnosis_level": each.diagnosis.level if each.diagnosis else None,
                "diagnosis_probability": each.diagnosis.probability if each.diagnosis else None,
            }
            for each in self.segments
        ]

    def to_frame(self) -> pandas.DataFrame:
        """:meth:`segment_rows` as a table of pandas; raises :class:`UsageError` where pandas is not installed."""
        return data_frame(self.segment_rows())

    def _repr_html_(self) -> str:
        """In a notebook: the verdict, the score with its interval, warnings, and the segments."""
        found = self.interval
        interval = f", {100 * found.level:g} % interval {found.low:.2f} to {found.high:.2f}" if found else ""
        rows = "".join(
            f"<tr><td>{each.start:.2f} to {each.end:.2f} s</td><td>{each.quality:.2f}</td>"
            f"<td>{escape(each.diagnosis.text if each.diagnosis else '')}</td></tr>"
            for each in self.worst(_SHOWN)
        )
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.warnings)
        return (
            f"<p>{escape(self.source)}<br><strong>{escape(self.verdict.text)}</strong><br>"
            f"quality {self.quality:.2f}{interval} ({escape(self.scale.description)})</p>"
            f"<ul>{notes}</ul><table><tr><th>worst segments</th><th>quality</th><th>looks like</th></tr>{rows}</table>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON record of a scored video; the field list is documented in the README."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "status": "scored",
            "verdict": self.verdict.text,
            "cause": self.verdict.cause,
            "quality": _rounded(self.quality),
            "word": self.word,
            "interval": _interval(self.interval),
            "novelty": None if self.novelty is None else _rounded(self.novelty),
            "scale": {**self.scale.to_dict(), "description": self.scale.description},
            "pooling": self.pooling,
            "segments": [
                {
                    "start": _rounded(segment.start),
                    "end": _rounded(segment.end),
                    "quality": _rounded(segment.quality),
                    "word": self.scale.word(segment.quality),
                    "interval": _interval(segment.interval),
                    "diagnosis": _diagnosis(segment.diagnosis),
                }
                for segment in self.segments
            ],
            "events": [
                {**asdict(event), "start": _rounded(event.start), "end": _rounded(event.end)} for event in self.events
            ],
            "warnings": [asdict(note) for note in self.warnings],
            "model": asdict(self.model),
            "settings": self.settings.to_dict(),
            "video": {
                **video_facts(self.video),
                "scored_area": None if self.scored_area is None else asdict(self.scored_area),
                "native_lines": self.native_lines,
            },
            "frames_scored": self.frames_scored,
            "wall_seconds": round(self.wall_seconds, 3),
        }


@dataclass(frozen=True)
class FailedScore:
    """A video that could not be scored: ``code`` for programs, ``reason`` the one-line message."""

    source: str
    code: str
    reason: str

    def row(self) -> dict[str, Any]:
        """The video in one row of a table, with the columns of a failure."""
        return {**_row(self.source, "failed"), "error_code": self.code, "error": self.reason}

    def to_dict(self) -> dict[str, Any]:
        """The JSON record of a failure: the same top-level ``quality``, but null."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "status": "failed",
            "quality": None,
            "error": {"code": self.code, "text": self.reason},
        }


#: What comes of a video.
Result = VideoScore | FailedScore


def video_facts(info: VideoInfo) -> dict[str, Any]:
    """JSON-ready facts of the stream; ``fps`` and ``sample_aspect`` as fractions in text."""
    facts = asdict(info)
    del facts["source"]
    facts["fps"] = None if info.fps is None else f"{info.fps.numerator}/{info.fps.denominator}"
    facts["sample_aspect"] = f"{info.sample_aspect.numerator}:{info.sample_aspect.denominator}"
    return facts


def _row(source: str, status: str = "scored") -> dict[str, Any]:
    return {"source": source, "status": status, "quality": None, "error_code": None, "error": None}


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)


def _interval(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"low": _rounded(interval.low), "high": _rounded(interval.high), "level": interval.level}


def _diagnosis(diagnosis: Diagnosis | None) -> dict[str, Any] | None:
    if diagnosis is None:
        return None
    return {
        "family": diagnosis.family,
        "level": _rounded(diagnosis.level),
        "probability": _rounded(diagnosis.probability),
        "others": [{"family": other.family, "probability": _rounded(other.probability)} for other in diagnosis.others],
    }
