"""How a label file is to be read."""

from __future__ import annotations

from dataclasses import dataclass

from conviqt_cli.errors import UsageError


@dataclass(frozen=True)
class LabelSettings:
    """How to read a label file; every ``None`` is a guess to be made from the file (and shown).

    Args:
        video_col, mos_col, std_col, ratings_col, group_col: the columns with the video's name, its score, the score's
            standard deviation, the number of ratings and the content: by heading, or by number counted from one;
            ``none`` says that there is no such column.
        scale: the ends of the scale, (low, high).
        dmos: whether higher scores are worse.
        missing: the value that marks a missing score.
        layout: the key of a published database's layout, or ``none``.
    """

    video_col: str | None = None
    mos_col: str | None = None
    std_col: str | None = None
    ratings_col: str | None = None
    group_col: str | None = None
    scale: tuple[float, float] | None = None
    dmos: bool | None = None
    missing: float | None = None
    layout: str | None = None


def parse_scale(text: str) -> tuple[float, float]:
    """The ends of a scale from ``1:5``; raises :class:`UsageError` for anything else."""
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"scale {text!r}: give both ends, e.g. 1:5 or 0:100", "scale") from None
    if not float("-inf") < low < high < float("inf"):
        raise UsageError(f"scale {text!r}: give two finite numbers, the lower end first", "scale")
    return low, high
