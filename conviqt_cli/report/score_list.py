"""The videos of a score file as a list: in which order, in a terminal, as a page, and as a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from conviqt_cli.errors import UsageError
from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.page import render
from conviqt_cli.report.score_report import colour
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scorefiles.record import Entry

#: What the list can be sorted by: quality or the worst segment, the worst first, the video's name, or not at all.
ORDERS = ("quality", "segment", "name", "file")


def ordered(entries: Sequence[Entry], order: str = "quality", reverse: bool = False) -> list[Entry]:
    """Scored videos in one of :data:`ORDERS`, then those that failed; raises :class:`UsageError` for another order."""
    if order not in ORDERS:
        raise UsageError(f"order {order}: choose one of {', '.join(ORDERS)}", setting="sort")
    scored, failed = ([entry for entry in entries if entry.failed is state] for state in (False, True))
    if order == "name":
        scored.sort(key=lambda entry: entry.source)
    elif order != "file":
        scored.sort(key=lambda entry: _badness(entry, order))
    return [*(scored[::-1] if reverse else scored), *failed]


def scale_of(entries: Sequence[Entry]) -> Scale:
    """The scale of a score file; 1 to 5 where nothing was scored."""
    return next((entry.scale for entry in entries if entry.scale), ACR)


def score_table(entries: Sequence[Entry]) -> RenderableType:
    """A line per video: quality, worst segment, name, warnings or the reason why it failed."""
    scale = scale_of(entries)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("quality", "", "worst", "video", ""):
        table.add_column(name, justify="right" if name in ("quality", "worst") else "left", overflow="fold")
    for entry in entries:
        if entry.quality is None:
            table.add_row(Text("failed", style="red"), "", "", Text(printable(entry.source)), Text(_reason(entry)))
            continue
        worst = "" if entry.worst is None else f"{entry.worst:.2f}"
        table.add_row(
            Text(f"{entry.quality:.2f}", style=colour(scale, entry.quality)),
            scale.word(entry.quality) or "",
            worst,
            Text(printable(entry.source)),
            Text(entry.warnings, style="dim"),
        )
    return table


def score_page(entries: Sequence[Entry], title: str) -> str:
    """The list as one HTML page."""
    scale = scale_of(entries)
    failed = sum(entry.failed for entry in entries)
    rows = [
        (
            printable(entry.source),
            "failed" if entry.quality is None else f"{entry.quality:.2f}",
            "" if entry.quality is None else scale.word(entry.quality) or "",
            "" if entry.worst is None else f"{entry.worst:.2f}",
            _reason(entry) if entry.quality is None else entry.warnings,
        )
        for entry in entries
    ]
    return render(
        "scores.html",
        title=printable(title),
        counts=f"{len(entries) - failed} scored, {failed} failed",
        scale=scale.description,
        header=("video", "quality", "", "worst segment", "warnings"),
        rows=rows,
    )


def write_sheet(entries: Sequence[Entry], path: Path) -> None:
    """Write an Excel workbook with a row per video: numbers as numbers, filters, colours from bad to good.

    Names are texts, whatever they begin with. Raises ``OSError`` when it cannot be written.
    """
    import xlsxwriter

    scale = scale_of(entries)
    texts = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        with xlsxwriter.Workbook(str(path), texts) as book:
            _fill(book, entries, scale)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(f"{path}: cannot be written ({error})") from None


def _fill(book: object, entries: Sequence[Entry], scale: Scale) -> None:
    sheet = book.add_worksheet("scores")  # type: ignore[attr-defined]
    bold, number = (book.add_format(each) for each in ({"bold": True}, {"num_format": "0.00"}))  # type: ignore[attr-defined]
    headings = ("video", "quality", "word", "worst segment", "warnings", "error")
    for column, (heading, width) in enumerate(zip(headings, (60, 9, 10, 14, 24, 60), strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, heading, bold)
    for row, entry in enumerate(entries, 1):
        sheet.write_string(row, 0, visible(entry.source))
        if entry.quality is None:
            sheet.write_string(row, 5, visible(_reason(entry)))
            continue
        sheet.write_number(row, 1, entry.quality, number)
        sheet.write_string(row, 2, scale.word(entry.quality) or "")
        if entry.worst is not None and entry.worst == entry.worst:
            sheet.write_number(row, 3, entry.worst, number)
        sheet.write_string(row, 4, entry.warnings)
    last = max(1, len(entries))
    bad, good = ("#F8696B", "#63BE7B") if scale.higher_is_better else ("#63BE7B", "#F8696B")
    rule: dict[str, object] = {"type": "3_color_scale", "min_color": bad, "mid_color": "#FFEB84", "max_color": good}
    if scale.low is not None and scale.high is not None:
        middle = (scale.low + scale.high) / 2
        rule |= {f"{end}_type": "num" for end in ("min", "mid", "max")}
        rule |= {"min_value": scale.low, "mid_value": middle, "max_value": scale.high}
    for column in (1, 3):
        sheet.conditional_format(1, column, last, column, rule)
    sheet.autofilter(0, 0, last, len(headings) - 1)
    sheet.freeze_panes(1, 1)
    sheet.write_string(last + 2, 0, f"quality: {scale.description}")


def _badness(entry: Entry, order: str) -> float:
    """Lower for worse."""
    assert entry.quality is not None
    value = entry.quality if order == "quality" or entry.worst is None else entry.worst
    return value if entry.scale is None or entry.scale.higher_is_better else -value


def _reason(entry: Entry) -> str:
    return (entry.reason or entry.code or "").removeprefix(f"{entry.source}: ")
