"""``conviqt summary``: what a score file says, without scoring again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli.console import log
from conviqt_cli.cli.examples import examples
from conviqt_cli.errors import UsageError


def summary(
    scores: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="A score file: CSV, JSON or NDJSON.")
    ],
    sort: Annotated[
        str,
        typer.Option(
            metavar="quality|segment|name|file",
            help="Order: worst quality or worst segment first, by name, or as in the file.",
        ),
    ] = "quality",
    reverse: Annotated[bool, typer.Option("--reverse", help="Turn the order round.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="List only the first N videos.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the list as one HTML page.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE.xlsx", help="Write the list as an Excel workbook.")] = None,
) -> None:
    """List and sum up a score file: the worst videos first, counts, the distribution of quality. Nothing is scored."""
    if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
        raise UsageError(f"--xlsx {xlsx}: workbooks are written as .xlsx; end the name so")

    from rich.console import Console

    from conviqt_cli.files import write_text_whole
    from conviqt_cli.report.batch_report import batch_summary
    from conviqt_cli.report.score_list import ordered, score_page, score_table, write_sheet
    from conviqt_cli.scorefiles.reading import read_entries
    from conviqt_cli.scorefiles.tally import Tally

    entries = ordered(read_entries(scores), sort, reverse)
    listed = entries[:limit]
    console = Console(highlight=False)
    console.print(score_table(listed))
    if len(listed) < len(entries):
        console.print(f"and {len(entries) - len(listed)} more", style="dim")
    console.print()
    console.print(batch_summary(Tally(len(entries), Counter(), entries), worst=False))
    if html is not None:
        write_text_whole(html, score_page(listed, scores.name))
        log(f"{html}: {len(listed)} videos")
    if xlsx is not None:
        write_sheet(listed, xlsx)
        log(f"{xlsx}: {len(listed)} videos")


EPILOG = examples("summary scores.csv", "summary scores.csv --sort segment --limit 20 --xlsx worst.xlsx")
