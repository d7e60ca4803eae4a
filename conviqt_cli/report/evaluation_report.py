"""An evaluation report for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from conviqt_cli.evaluation.agreement import Comparison, ModelAgreement
    from conviqt_cli.evaluation.refit import Refit
    from conviqt_cli.evaluation.run import Evaluation

#: Each figure, and what people call it.
FIGURES = (
    ("srocc", "SROCC"),
    ("krocc", "KROCC"),
    ("plcc", "PLCC"),
    ("plcc_mapped", "PLCC logistic"),
    ("rmse", "RMSE"),
    ("rmse_mapped", "RMSE logistic"),
    ("outlier_ratio", "outliers"),
    ("epsilon_rmse", "ε-RMSE"),
)


def evaluation_report(evaluation: Evaluation) -> RenderableType:
    """Tables of all results; what refitting gave stands beside what was published."""
    parts: list[RenderableType] = []
    if evaluation.refit is not None:
        parts.append(_refit(evaluation.refit, evaluation.published))
    else:
        parts.append(_models(evaluation.models))
        if evaluation.comparisons:
            parts.append(_comparisons(evaluation.comparisons))
    for name, said in evaluation.assumed.items():
        parts += [Text.assemble(("caution  ", "yellow"), f"{name}: {each}") for each in said]
    return Group(*parts)


def _models(models: list[ModelAgreement]) -> RenderableType:
    """One table a set, a column a model, each figure with its 95 % confidence; then the cross-set table."""
    parts: list[RenderableType] = []
    for labelled_set in dict.fromkeys(each.labelled_set for each in models):
        of_set = [each for each in models if each.labelled_set == labelled_set]
        table = _table(f"{labelled_set}: {of_set[0].agreement.items} videos (95 % confidence in brackets)")
        table.add_column("", no_wrap=True)
        for each in of_set:
            table.add_column(Text(each.model), justify="right", overflow="fold")
        for key, name in FIGURES:
            if any(known(getattr(each.agreement, key)) for each in of_set):
                table.add_row(name, *(figure(each, key) for each in of_set))
        if any(each.coverage is not None for each in of_set):
            table.add_row("labels in 90 % interval", *(share(each.coverage) for each in of_set))
        if any(each.novel is not None for each in of_set):
            table.add_row("called novel", *(share(each.novel) for each in of_set))
        parts += [
            table,
            *(Text(f"{each.model}: {note}", style="dim") for each in of_set for note in each.notes),
            Text(""),
        ]
    sets, names = (list(dict.fromkeys(getattr(each, key) for each in models)) for key in ("labelled_set", "model"))
    if len(sets) > 1:
        table = _table("SROCC of each model on each set")
        table.add_column("model", overflow="fold")
        for labelled_set in sets:
            table.add_column(Text(labelled_set), justify="right")
        found = {(each.model, each.labelled_set): each.agreement.srocc for each in models}
        for name in names:
            table.add_row(Text(name), *(f"{found[name, labelled_set]:.3f}" for labelled_set in sets))
        parts += [table, Text("")]
    return Group(*parts[:-1])


def _comparisons(comparisons: list[Comparison]) -> RenderableType:
    """One line a figure: the difference, its confidence, and whether it is significant."""
    parts: list[RenderableType] = []
    for each in comparisons:
        table = _table(f"{each.labelled_set}: {each.first} minus {each.second}")
        for name in ("", "difference", "95 % confidence", "p", ""):
            table.add_column(name, justify="left" if not name else "right", no_wrap=True)
        for key, name in FIGURES:
            found = each.differences.get(key)
            if found is not None:
                answer = "significant" if found.significant else "not significant"
                table.add_row(
                    name,
                    f"{found.difference:+.3f}",
                    f"{found.low:+.3f} to {found.high:+.3f}",
                    f"{found.p:.3f}",
                    answer,
                )
        parts += [table, Text("")]
    return Group(*parts)


def _refit(refit: Refit, published: dict[str, float | None]) -> RenderableType:
    """Medians over splits beside published ones, and the cross-set table."""
    table = _table(f"refitted on each set: {refit.protocol}")
    table.add_column("set", overflow="fold")
    for name in ("SROCC", "std", "CONVIQT's own", "PLCC logistic", "RMSE logistic", "in interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, figures in refit.figures.items():
        srocc, plcc, rmse, coverage = (figures[key] for key in ("srocc", "plcc_mapped", "rmse_mapped", "coverage"))
        theirs = published.get(name)
        table.add_row(
            Text(name),
            f"{srocc.median:.3f}" if srocc else "-",
            f"{srocc.deviation:.3f}" if srocc else "-",
            f"{theirs:.3f}" if theirs is not None else "",
            f"{plcc.median:.3f}" if plcc else "-",
            f"{rmse.median:.3f}" if rmse else "-",
            share(coverage.median if coverage else None),
        )
    if not refit.across:
        return table
    cross = _table("SROCC across sets: fitted on the row, tested on the column")
    cross.add_column("fitted on", overflow="fold")
    for name in refit.figures:
        cross.add_column(Text(name), justify="right")
    for name, row in refit.across.items():
        own = refit.figures[name]["srocc"]
        cells = [
            f"({own.median:.3f})" if own and other == name else f"{row.get(other, float('nan')):.3f}"
            for other in refit.figures
        ]
        cross.add_row(Text(name), *cells)
    return Group(table, Text(""), cross, Text("in brackets: median over splits of the set itself", style="dim"))


def _table(title: str) -> Table:
    return Table(
        title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold"
    )


def known(value: float) -> bool:
    """Whether a figure is defined."""
    return value == value


def figure(model: ModelAgreement, key: str) -> str:
    """A figure with its confidence, as text."""
    value, sure = getattr(model.agreement, key), model.confidence.get(key)
    if not known(value):
        return "-"
    return f"{value:.3f}" if sure is None else f"{value:.3f} ({sure.low:.3f} to {sure.high:.3f})"


def share(value: float | None) -> str:
    """A share as percent."""
    return "" if value is None else f"{100 * value:.1f} %"
