"""What scores mean: their direction, their scale, and which videos share a content; declared, stated, known or guessed.

Each function returns the answer, how it was found (for people), and whether it is a guess.
"""

from __future__ import annotations

import re
from pathlib import Path

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import Columns
from conviqt_cli.labels.layouts import Layout
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.labels.table import Table, number
from conviqt_cli.quality.scale import ACR, Scale


def direction(table: Table, columns: Columns, settings: LabelSettings) -> tuple[bool, str, bool]:
    """Whether higher scores are worse."""
    if settings.dmos is not None:
        return settings.dmos, f"higher is {'worse' if settings.dmos else 'better'} (declared)", False
    stated = _constant_column(table, "higheris")
    if stated in ("worse", "better"):
        return stated == "worse", f"higher is {stated} (stated in the file)", False
    heading = table.header[columns.mos] if table.header and columns.mos is not None else ""
    if re.search(r"(^|[^a-z])dmos", heading, re.IGNORECASE):
        return True, f"higher is worse (guessed from the heading {heading!r})", True
    return False, "higher is better (assumed)", True


def scale_of(
    path: Path, table: Table, mos: Floats, settings: LabelSettings, layout: Layout | None, worse: bool
) -> tuple[Scale, str, bool]:
    """The scale of the scores ``mos``; raises :class:`LabelError` when they leave a declared or stated one."""
    name = "DMOS" if worse else "MOS"
    low, high = float(mos.min()), float(mos.max())
    unbounded = Scale(name, None, None, not worse)
    said = _said(name, table, settings, worse)
    if said is not None:
        scale, how = said
        if not _holds(scale, low, high):
            raise LabelError(
                f"{path}: scores run from {low:g} to {high:g}, outside the scale {scale.description} ({how})", "scale"
            )
        return scale, f"{scale.description} ({how})", False
    if layout is not None and not worse:
        if _holds(layout.scale, low, high):
            return layout.scale, f"{layout.scale.description} (as published for {layout.title})", False
        # The published scale does not fit this copy of the file: claim nothing.
        how = f"scores from {low:g} to {high:g} leave the published range"
        return unbounded, f"{unbounded.description} ({how})", True
    common = (_scale(name, *ends, worse) for ends in ((1.0, 5.0), (0.0, 1.0), (0.0, 10.0), (0.0, 100.0)))
    scale = next((each for each in common if _holds(each, low, high)), unbounded)
    return scale, f"{scale.description} (inferred from scores from {low:g} to {high:g})", True


def contents_of(
    names: list[str], given: list[str], settings: LabelSettings, layout: Layout | None
) -> tuple[list[str], str, bool]:
    """The content of each video; ``given`` holds the cells of the content column, empty without one."""
    if given and all(given):
        return given, f"{len(set(given))}, from the file", False
    if given:
        filled = [cell or f"\N{NO-BREAK SPACE}{name}" for cell, name in zip(given, names, strict=True)]
        empty = sum(not cell for cell in given)
        return filled, f"{len(set(filled))}, from the file; {empty} videos without one count as their own", False
    declared_none = settings.group_col is not None and settings.group_col.lower() == "none"
    if layout is not None and not declared_none:
        found = [layout.content(name) for name in names]
        return found, f"{len(set(found))}, from the names as {layout.title} builds them", False
    return list(names), "each video counts as its own content", not declared_none


def _said(name: str, table: Table, settings: LabelSettings, worse: bool) -> tuple[Scale, str] | None:
    """The scale that the settings declare, or that columns of the file state."""
    if settings.scale is not None:
        return _scale(name, *settings.scale, worse), "declared"
    stated = [_constant_column(table, word) for word in ("scalemin", "scalemax")]
    low, high = (None if cell is None else number(cell) for cell in stated)
    if low is not None and high is not None and low < high:
        return _scale(name, low, high, worse), "stated in the file"
    return None


def _scale(name: str, low: float, high: float, worse: bool) -> Scale:
    return ACR if (low, high, worse) == (1.0, 5.0, False) else Scale(name, low, high, not worse)


def _holds(scale: Scale, low: float, high: float) -> bool:
    return (scale.low is None or low >= scale.low) and (scale.high is None or high <= scale.high)


def _constant_column(table: Table, word: str) -> str | None:
    """The one value of the column headed ``word``, if there is such a column with one value."""
    for index, heading in enumerate(table.header or []):
        if re.sub(r"[^a-z0-9]", "", heading.lower()) == word:
            values = set(table.column(index))
            return values.pop() if len(values) == 1 else None
    return None
