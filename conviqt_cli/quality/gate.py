"""A gate: the quality that a video must reach, for pipelines that stop what falls short of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conviqt_cli.errors import UsageError
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class Gate:
    """Thresholds in units of the scale, each ``None`` where it is not set. A score equal to one passes.

    Args:
        fail_below: for the pooled quality.
        fail_segment_below: for the worst segment.

    On a scale where higher is worse, scores above a threshold fail.
    """

    fail_below: float | None = None
    fail_segment_below: float | None = None

    def check(self, scale: Scale) -> None:
        """Raise :class:`UsageError` for a threshold outside ``scale``, which every video or none would pass."""
        for setting, threshold in (("fail_below", self.fail_below), ("fail_segment_below", self.fail_segment_below)):
            if threshold is not None and scale.clip(threshold) != threshold:
                raise UsageError(f"{threshold:g} is outside the scale, {scale.description}", setting=setting)

    def failures(self, quality: float, worst: float | None, scale: Scale) -> Iterator[str]:
        """How a video with this pooled quality and this worst segment falls short, in words; nothing if it passes."""
        side, limit = ("below", "at least") if scale.higher_is_better else ("above", "at most")
        for what, value, threshold in (
            ("quality", quality, self.fail_below),
            ("worst segment", worst, self.fail_segment_below),
        ):
            if value is not None and threshold is not None and _is_worse(value, threshold, scale):
                yield f"{side} the gate: {what} {value:.2f}, {limit} {threshold:g} is wanted"


def _is_worse(value: float, threshold: float, scale: Scale) -> bool:
    # Not a number fails, too.
    return not (value >= threshold if scale.higher_is_better else value <= threshold)
