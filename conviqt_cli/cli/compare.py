"""``conviqt compare``: which of several versions of one source looks best, where, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log, progress
from conviqt_cli.cli.examples import examples
from conviqt_cli.errors import UsageError


def compare(
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO VIDEO...", show_default=False,
            help="Versions of one source. Times are given in those of the first.",
        ),
    ],
    as_json: options.Json = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the comparison as a page.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P", show_default="0.75",
            help="Probability of a preference from which on versions count as told apart: above 0.5, below 1.",
        ),
    ] = None,
    display: Annotated[
        int | None,
        typer.Option(
            "--display", metavar="LINES", min=64, max=8640, show_default="the largest among them",
            help="Look at all versions scaled to this many lines.", rich_help_panel=options.SCORED,
        ),
    ] = None,
    sampling: options.Sampling = "sparse",
    picture: options.Picture = None,
    start: options.Start = None,
    duration: options.Duration = None,
    timeout: options.Timeout = 120.0,
    weights: options.Weights = None,
    regressor: options.RegressorFile = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Compare versions of one source: which looks best, where, and how likely viewers are to prefer it.

    Versions are aligned in time by what they show, brought to one size and scored on the same moments; frame rates may
    differ. Of several versions, the smallest file that is not visibly worse than the best is named.

    Exit code: 0 compared, 1 a video cannot be read or shows something else, 2 wrong usage.
    """
    if len(videos) < 2:
        raise UsageError("a comparison needs at least two videos")
    span = options.parse_span(start, duration)

    from conviqt_cli.comparing.preference import VISIBLE
    from conviqt_cli.comparing.run import compare as run
    from conviqt_cli.files import write_text_whole
    from conviqt_cli.report.comparison_report import comparison_page, comparison_report
    from conviqt_cli.scoring.settings import Span, parse_settings

    settings = parse_settings(
        sampling,
        picture,
        display,
        weights=weights,
        regressor=regressor,
        device=device,
        precision=precision,
        threads=threads,
        span=Span(*span),
        timeout=timeout,
        backend=backend,
    )
    with progress(quiet) as callback:
        found = run(*videos, settings=settings, threshold=threshold or VISIBLE, progress=callback)
    if html is not None:
        write_text_whole(html, comparison_page(found))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        if not quiet:
            for note in found.notes:
                log(f"warning: {note.text}")
        return
    from rich.console import Console

    Console(highlight=False).print(comparison_report(found))


EPILOG = examples("compare crf18.mp4 crf28.mp4", "compare ladder/*.mp4 --json", "compare a.mp4 b.mp4 --html ab.html")
