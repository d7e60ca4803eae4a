"""An evaluation as one HTML page: figures, what was assumed, scatter plots, and the sets beside each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conviqt_cli.report.evaluation_report import FIGURES, figure, known, share
from conviqt_cli.report.page import render
from conviqt_cli.report.scatter import Scatter, scatter

if TYPE_CHECKING:
    from conviqt_cli.evaluation.agreement import ModelAgreement
    from conviqt_cli.evaluation.refit import Refit
    from conviqt_cli.evaluation.run import Evaluation
    from conviqt_cli.fitting.points import Points


@dataclass(frozen=True)
class Bar:
    """One SROCC from 0 to 1 in percent: ``at``, and its confidence from ``left`` on, ``width`` wide."""

    name: str
    value: str
    at: float
    left: float
    width: float


def evaluation_page(evaluation: Evaluation) -> str:
    """The page as text; what refitting gave stands beside what was published."""
    sets = list(evaluation.left_out)
    common = {
        "title": f"Evaluation on {', '.join(sets)}",
        "assumed": [(name, said) for name in sets for said in evaluation.assumed.get(name, [])],
        "left_out": [
            (name, reason, str(len(items)))
            for name, reasons in evaluation.left_out.items()
            for reason, items in reasons.items()
        ],
        "plots": [(name, [_plot(each) for each in evaluation.points if each.labelled_set == name]) for name in sets],
    }
    if evaluation.refit is not None:
        return render("evaluation.html", **common, **_refitted(evaluation.refit, evaluation.published))
    return render("evaluation.html", **common, **_models(evaluation, sets))


def _models(evaluation: Evaluation, sets: list[str]) -> dict[str, Any]:
    models = list(dict.fromkeys(each.model for each in evaluation.models))
    tables = []
    for name in sets:
        of_set = [each for each in evaluation.models if each.labelled_set == name]
        rows = [
            (title, *(figure(each, key) for each in of_set))
            for key, title in FIGURES
            if any(known(getattr(each.agreement, key)) for each in of_set)
        ]
        rows += [
            (title, *(share(getattr(each, key)) for each in of_set))
            for key, title in (("coverage", "labels in 90 % interval"), ("novel", "called novel"))
            if any(getattr(each, key) is not None for each in of_set)
        ]
        heading = f"{name}: {of_set[0].agreement.items} videos"
        notes = [f"{each.model}: {note}" for each in of_set for note in each.notes]
        tables.append((heading, ("", *(each.model for each in of_set)), rows, notes))
    differences = [
        (
            f"{each.labelled_set}: {each.first} minus {each.second}",
            [
                (
                    title,
                    f"{found.difference:+.3f}",
                    f"{found.low:+.3f} to {found.high:+.3f}",
                    f"{found.p:.3f}",
                    "significant" if found.significant else "not significant",
                )
                for key, title in FIGURES
                if (found := each.differences.get(key)) is not None
            ],
        )
        for each in evaluation.comparisons
    ]
    return {
        "tables": tables,
        "differences": [each for each in differences if each[1]],
        "bars": [(name, [_bar(each) for each in evaluation.models if each.labelled_set == name]) for name in sets],
        "cross": _table(models, sets, {(each.model, each.labelled_set): each for each in evaluation.models}),
        "method": "In brackets: 95 % confidence, by resampling contents.",
        "held_out": "",
    }


def _table(models: list[str], sets: list[str], found: dict[tuple[str, str], ModelAgreement]) -> dict[str, Any] | None:
    if len(sets) < 2:
        return None
    rows = [(model, *(f"{found[model, name].agreement.srocc:.3f}" for name in sets)) for model in models]
    return {"heading": "SROCC of each model on each set", "header": ("model", *sets), "rows": rows}


def _refitted(refit: Refit, published: dict[str, float | None]) -> dict[str, Any]:
    rows = []
    bars = []
    for name, figures in refit.figures.items():
        srocc, plcc, rmse, coverage = (figures[key] for key in ("srocc", "plcc_mapped", "rmse_mapped", "coverage"))
        theirs = published.get(name)
        rows.append(
            (
                name,
                str(refit.contents[name]),
                f"{srocc.median:.3f}" if srocc else "-",
                f"{srocc.deviation:.3f}" if srocc else "-",
                f"{theirs:.3f}" if theirs is not None else "",
                f"{plcc.median:.3f}" if plcc else "-",
                f"{rmse.median:.3f}" if rmse else "-",
                share(coverage.median if coverage else None),
            )
        )
        if srocc:
            bars.append((name, [_bar_of("refitted (quartiles)", srocc.median, srocc.low, srocc.high)]))
    header = ("set", "contents", "SROCC", "std", "CONVIQT's own", "PLCC logistic", "RMSE logistic", "in interval")
    cross = None
    if refit.across:
        sets = list(refit.figures)
        cells = []
        for name, row in refit.across.items():
            own = refit.figures[name]["srocc"]
            within = f"({own.median:.3f})" if own else "-"
            cells.append((name, *(within if name == other else f"{row[other]:.3f}" for other in sets)))
        heading = "SROCC across sets: fitted on the row, tested on the column (in brackets: splits of the set itself)"
        cross = {"heading": heading, "header": ("fitted on", *sets), "rows": cells}
    return {
        "tables": [(f"Refitted on each set: {refit.protocol}", header, rows, [])],
        "differences": [],
        "bars": bars,
        "cross": cross,
        "method": "Everything that is chosen from data is chosen inside each training side.",
        "held_out": refit.held_out,
    }


def _plot(points: Points) -> tuple[str, Scatter]:
    outside = None
    if points.low is not None and points.high is not None:
        outside = (points.labels < points.low) | (points.labels > points.high)
    return points.model, scatter(points.names, points.labels, points.values, outside, points.comparable)


def _bar(model: ModelAgreement) -> Bar:
    value, sure = model.agreement.srocc, model.confidence.get("srocc")
    return _bar_of(model.model, value, sure.low if sure else value, sure.high if sure else value)


def _bar_of(name: str, value: float, low: float, high: float) -> Bar:
    def along(number: float) -> float:
        return round(100 * min(1.0, max(0.0, number)), 1) if math.isfinite(number) else 0.0

    text = f"{value:.3f}" if math.isfinite(value) else "undefined"
    return Bar(name, text, along(value), along(low), round(along(high) - along(low), 1))
