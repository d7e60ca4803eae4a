"""A fitting report as one HTML page: no script, no outside resource, the scatter plot drawn as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conviqt_cli.report.fit_report import FIGURE_NAMES, spread_cells
from conviqt_cli.report.page import flattened, render
from conviqt_cli.report.scatter import scatter

if TYPE_CHECKING:
    from conviqt_cli.fitting.fit import FitReport


def fit_page(report: FitReport) -> str:
    """The page as text."""
    data = report.data
    return render(
        "fit.html",
        title=f"Regressor fitted on {len(data)} videos of {_contents(data.contents)}",
        scale=report.regressor.scale.description,
        caveats=report.caveats,
        plot=scatter(
            data.names.tolist(), data.mos, report.predicted, np.abs(data.mos - report.predicted) > report.half_width
        ),
        held_out=report.held_out.capitalize(),
        protocol=report.protocol,
        figures=_figures(report),
        interval=_interval(report),
        curve=[
            (point.contents, point.videos, spread_cells(point.srocc, 3)[0], spread_cells(point.rmse, 3)[0])
            for point in report.curve
        ],
        worst=[
            (row["video"], f"{row['label']:.2f}", f"{row['predicted']:.2f}", f"{row['error']:+.2f}")
            for row in report.worst()
        ],
        card=flattened(report.regressor.card),
    )


def _contents(count: int) -> str:
    return "one content" if count == 1 else f"{count} contents"


def _figures(report: FitReport) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for key, (name, decimals) in FIGURE_NAMES.items():
        whole = getattr(report.cross_validated, key)
        if report.figures[key] is not None or not np.isnan(whole):
            at_once = "-" if np.isnan(whole) else f"{whole:.{decimals}f}"
            rows.append((name, *spread_cells(report.figures[key], decimals), at_once))
    return rows


def _interval(report: FitReport) -> str:
    if not np.isfinite(report.half_width):
        return f"No {100 * report.level:g} % interval can be given: too few contents."
    inside = "" if np.isnan(report.coverage) else f" {100 * report.coverage:.1f} % of test labels lay inside."
    return f"Intervals of {100 * report.level:g} %: score ± {report.half_width:.3g}.{inside}"
