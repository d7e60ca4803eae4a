"""Everything that a user can choose about a score, as one value from the options to the output."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conviqt_cli.plans.picture_plan import SOURCE, WHOLE, Display, PicturePlan, parse_display, parse_picture
from conviqt_cli.plans.time_plan import SPARSE, SamplingPlan, parse_plan
from conviqt_cli.quality.pooling import check_pooling
from conviqt_cli.video.decode import MAX_FRAMES

#: What settings say that were written before there was a choice.
BEFORE: dict[str, Any] = {"picture": WHOLE.to_dict(), "display": str(SOURCE)}

#: Seconds without a decoded frame after which a video is aborted.
TIMEOUT = 120.0


@dataclass(frozen=True)
class Span:
    """The part of a video that is scored: from ``start`` s on, for ``duration`` s (``None``: to the end)."""

    start: float = 0.0
    duration: float | None = None

    @property
    def is_whole_video(self) -> bool:
        """Whether nothing is left out."""
        return self.start == 0 and self.duration is None


@dataclass(frozen=True)
class ScoringSettings:
    """What to score with, and how. ``device`` and ``precision`` may be ``auto`` until a model is loaded.

    Args:
        weights: name or folder of a bundle; ``None`` is the one that comes with the package.
        regressor: a regressor file to use in place of the bundle's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``fp32``, ``bf16``, ``fp16`` or ``int8``.
        threads: CPU threads; ``None`` for all.
        plan: which frames are scored.
        pooling: how segment qualities become one, a name of :data:`conviqt_cli.quality.pooling.POOLINGS`.
        span: which part of the video is scored.
        timeout: seconds without a decoded frame after which a video is aborted.
        max_frames: frames after which a video is aborted.
        stream: number of the stream to score, as ffmpeg counts; ``None`` to choose the one that is the video.
        picture: which pixels are looked at; ``None`` for those that the regressor was fitted on, or the bundle's.
        display: the size at which frames are looked at; ``None`` for that which the regressor was fitted at.
        backend: ``auto``, ``torch`` or ``openvino``.
        crop_bars: score only the picture inside black bars.

    Raises :class:`UsageError` for an unknown pooling: this is the one place where it is checked.
    """

    weights: str | Path | None = None
    regressor: str | Path | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    plan: SamplingPlan = SPARSE
    pooling: str = "mean"
    span: Span = field(default_factory=Span)
    timeout: float = TIMEOUT
    max_frames: int = MAX_FRAMES
    stream: int | None = None
    picture: PicturePlan | None = None
    display: Display | None = None
    backend: str = "auto"
    crop_bars: bool = True

    def __post_init__(self) -> None:
        check_pooling(self.pooling)

    def to_dict(self) -> dict[str, Any]:
        """What shapes a score, JSON-ready: the ``settings`` of a record. Scores with different ones do not compare."""
        return {
            "sampling": self.plan.to_dict(),
            **self._looked_at(),
            "pool": self.pooling,
            "start_s": self.span.start,
            "duration_s": self.span.duration,
            "device": self.device,
            "precision": self.precision,
            **self._if_chosen(),
        }

    def features_dict(self) -> dict[str, Any]:
        """What shapes clip vectors, JSON-ready: the ``settings`` of a feature set."""
        return {
            "sampling": self.plan.to_dict(),
            **self._looked_at(),
            "precision": self.precision,
            **self._if_chosen(),
        }

    def _looked_at(self) -> dict[str, Any]:
        return {"picture": (self.picture or WHOLE).to_dict(), "display": str(self.display or SOURCE)}

    def _if_chosen(self) -> dict[str, Any]:
        """Said only where it was chosen, so that scores made without a choice still compare with earlier ones."""
        chosen: dict[str, Any] = {} if self.stream is None else {"stream": self.stream}
        return chosen if self.crop_bars else {**chosen, "crop_bars": False}


def parse_settings(
    sampling: str = "sparse", picture: str | None = None, display: str | int | None = None, **others: Any
) -> ScoringSettings:
    """Settings of which some are texts, as people write them.

    Args:
        sampling: the plan: ``sparse``, ``dense`` or ``every:SECONDS``.
        picture: ``crops`` or ``whole``; ``None`` is the model's own.
        display: ``source``, ``auto`` or a number of lines; ``None`` is the model's own.
        others: what :class:`ScoringSettings` takes, as it is.

    Raises :class:`UsageError` for a text that cannot be read.
    """
    return ScoringSettings(
        plan=parse_plan(sampling),
        picture=None if picture is None else parse_picture(picture),
        display=None if display is None else parse_display(str(display)),
        **others,
    )
