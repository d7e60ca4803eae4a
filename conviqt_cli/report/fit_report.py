"""A fitting report for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from conviqt_cli.fitting.fit import FitReport
    from conviqt_cli.fitting.validation import Spread

#: Figure -> (what people call it, decimals).
FIGURE_NAMES = {
    "srocc": ("SROCC", 3),
    "krocc": ("KROCC", 3),
    "plcc": ("PLCC", 3),
    "plcc_mapped": ("PLCC after logistic", 3),
    "rmse": ("RMSE", 3),
    "rmse_mapped": ("RMSE after logistic", 3),
    "outlier_ratio": ("outlier ratio", 3),
    "epsilon_rmse": ("epsilon-insensitive RMSE", 3),
}


def fit_report(report: FitReport) -> RenderableType:
    """Figures over splits, intervals, learning curve, worst-predicted videos, caveats."""
    data = report.data
    card = report.regressor.card
    parts: list[RenderableType] = [
        Text(
            f"{card['estimator']} on {len(data)} videos of {data.contents} content{'s' if data.contents > 1 else ''}, "
            f"scale {report.regressor.scale.description}"
        ),
        Text(""),
        _figures(report),
        Text(""),
        Text(_interval_line(report)),
    ]
    if report.curve:
        parts += [Text(""), _curve(report)]
    parts += [Text(""), _worst(report)]
    parts += [Text.assemble(("caution  ", "yellow"), caveat) for caveat in report.caveats]
    return Group(*parts)


def _figures(report: FitReport) -> Table:
    table = Table(
        title=report.protocol,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for name in ("", "median", "quartiles", "std", "all at once*"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    whole = report.cross_validated.to_dict()
    for key, (name, decimals) in FIGURE_NAMES.items():
        spread = report.figures[key]
        if spread is None and whole[key] is None:
            if key not in ("outlier_ratio", "epsilon_rmse"):
                table.add_row(name, "undefined", "", "", "")
            continue
        table.add_row(name, *spread_cells(spread, decimals), _cell(whole[key], decimals))
    table.caption = f"* {report.held_out}"
    table.caption_justify = "left"
    return table


def spread_cells(spread: Spread | None, decimals: int) -> tuple[str, str, str]:
    """Median, quartiles and standard deviation as text."""
    if spread is None:
        return "-", "", ""
    return (
        f"{spread.median:.{decimals}f}",
        f"{spread.low:.{decimals}f} to {spread.high:.{decimals}f}",
        f"{spread.deviation:.{decimals}f}",
    )


def _interval_line(report: FitReport) -> str:
    if report.half_width == float("inf"):
        return f"No {100 * report.level:g} % interval can be given: too few contents."
    covered = f"{100 * report.coverage:.1f} % of test labels inside" if report.coverage == report.coverage else "-"
    return (
        f"Intervals of {100 * report.level:g} %: score ± {report.half_width:.3g}; over the splits, {covered} "
        "(content-grouped cross-conformal)."
    )


def _curve(report: FitReport) -> Table:
    table = Table(
        title="learning curve", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold"
    )
    for name in ("contents", "videos", "SROCC", "RMSE"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in report.curve:
        table.add_row(
            str(point.contents), str(point.videos), spread_cells(point.srocc, 3)[0], spread_cells(point.rmse, 3)[0]
        )
    return table


def _worst(report: FitReport) -> Table:
    table = Table(
        title="worst predicted", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold"
    )
    for name, justify in (("error", "right"), ("predicted", "right"), ("label", "right"), ("video", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in report.worst(5):
        numbers = (f"{row['error']:+.2f}", f"{row['predicted']:.2f}", f"{row['label']:.2f}")
        table.add_row(*numbers, Text(row["video"]))
    return table


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
