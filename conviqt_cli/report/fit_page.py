"""A fitting report as one HTML page: no script, no outside resource, the scatter plot drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from conviqt_cli.report.fit_report import FIGURE_NAMES, spread_cells

if TYPE_CHECKING:
    from conviqt_cli.fitting.fit import FitReport

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; color: #1b1f24 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .2rem .8rem; text-align: right }
th { border-bottom: 1px solid #999 } td:first-child, th:first-child { text-align: left; padding-left: 0 }
.caution { background: #fff4d6; padding: .5rem .8rem; margin: .3rem 0 } svg text { font: 12px system-ui, sans-serif }
circle { fill: #1f6feb; fill-opacity: .45 } circle.outside { fill: #d1242f } figcaption { color: #57606a }
@media (prefers-color-scheme: dark) {
  body { background: #15181c; color: #e2e6ea } .caution { background: #4a3b12 } svg text { fill: #e2e6ea }
  figcaption { color: #9aa4ae } circle { fill: #6cb0ff }
}
"""
_SIZE, _MARGIN = 460, 52


def fit_page(report: FitReport) -> str:
    """The page as text."""
    card = report.regressor.card
    title = f"Regressor fitted on {report.data.contents} contents, {len(report.data)} videos"
    figures = [
        (name, *spread_cells(report.figures[key], decimals), _cell(getattr(report.cross_validated, key), decimals))
        for key, (name, decimals) in FIGURE_NAMES.items()
        if report.figures[key] is not None or not np.isnan(getattr(report.cross_validated, key))
    ]
    curve = [
        (str(point.contents), str(point.videos), spread_cells(point.srocc, 3)[0], spread_cells(point.rmse, 3)[0])
        for point in report.curve
    ]
    worst = [
        (row["video"], f"{row['label']:.2f}", f"{row['predicted']:.2f}", f"{row['error']:+.2f}")
        for row in report.worst()
    ]
    inside = "" if np.isnan(report.coverage) else f" {100 * report.coverage:.1f} % of test labels lay inside."
    interval = (
        f"Intervals of {100 * report.level:g} %: score ± {report.half_width:.3g}.{inside}"
        if np.isfinite(report.half_width)
        else f"No {100 * report.level:g} % interval can be given: too few contents."
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>Scale: {escape(report.regressor.scale.description)}.</p>",
        *(f'<p class="caution">{escape(caveat)}</p>' for caveat in report.caveats),
        f"<figure>{scatter(report)}<figcaption>Every video predicted once by a model that has not seen its content. "
        "Red: the label lies outside the interval.</figcaption></figure>",
        f"<h2>{escape(report.protocol)}</h2>",
        _table(("", "median", "quartiles", "std", "all at once"), figures),
        f"<p>{escape(interval)}</p>",
        *(("<h2>Learning curve</h2>", _table(("contents", "videos", "SROCC", "RMSE"), curve)) if curve else ()),
        "<h2>Worst predicted</h2>",
        _table(("video", "label", "predicted", "error"), worst),
        "<h2>Card</h2>",
        _table(("", ""), _flat(card)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def scatter(report: FitReport) -> str:
    """Labels against cross-validated predictions, as an SVG element."""
    labels, predicted = report.data.mos, report.predicted
    low = float(min(labels.min(), predicted.min()))
    high = float(max(labels.max(), predicted.max()))
    pad = 0.05 * (high - low)
    low, high = low - pad, high + pad
    inner = _SIZE - 2 * _MARGIN

    def x(value: float) -> float:
        return _MARGIN + inner * (value - low) / (high - low)

    def y(value: float) -> float:
        return _SIZE - x(value)

    step = _nice_step(high - low)
    ticks = np.arange(np.ceil(low / step) * step, high, step)
    marks = [
        f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="#8884"/>'
        f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="#8884"/>'
        f'<text x="{x(t):.1f}" y="{_SIZE - _MARGIN + 18}" text-anchor="middle">{t:g}</text>'
        f'<text x="{_MARGIN - 8}" y="{y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in ticks.round(10)
    ]
    dots = [
        f'<circle cx="{x(guess):.1f}" cy="{y(label):.1f}" r="4"'
        f"{' class=' + chr(34) + 'outside' + chr(34) if abs(label - guess) > report.half_width else ''}>"
        f"<title>{escape(str(name))}: label {label:.2f}, predicted {guess:.2f}</title></circle>"
        for name, label, guess in zip(report.data.names, labels, predicted, strict=True)
    ]
    return (
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" role="img" aria-label="labels against predictions">'
        + "".join(marks)
        + f'<line x1="{x(low):.1f}" y1="{y(low):.1f}" x2="{x(high):.1f}" y2="{y(high):.1f}" stroke="#888" '
        'stroke-dasharray="5 4"/>'
        + "".join(dots)
        + f'<text x="{_SIZE / 2}" y="{_SIZE - 10}" text-anchor="middle">predicted</text>'
        f'<text x="14" y="{_SIZE / 2}" text-anchor="middle" transform="rotate(-90 14 {_SIZE / 2})">label</text></svg>'
    )


def _nice_step(span: float) -> float:
    rough = span / 6
    power = 10.0 ** np.floor(np.log10(rough))
    return float(power * next(each for each in (1, 2, 5, 10) if each * power >= rough))


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _flat(card: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in card.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{above}{key} ")
        else:
            rows.append((f"{above}{key}", "; ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def _cell(value: float, decimals: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"
