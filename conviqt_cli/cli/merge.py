"""``conviqt merge``: a folder of Parquet files as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.examples import examples


def merge(
    folder: Annotated[
        Path,
        typer.Argument(show_default=False, help="A folder that `conviqt score -o FOLDER --format parquet` wrote."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", show_default=False, help="One .csv or .parquet file.")
    ],
    quiet: options.Quiet = False,
) -> None:
    """Make one CSV or Parquet file of a folder of scores: a row per video, unfinished runs included.

    A CSV made so can be carried on by `conviqt score -o`.
    """
    from conviqt_cli.scorefiles.merging import merge as merge_folder

    rows = merge_folder(folder, output)
    if not quiet:
        log(f"{output}: {rows} videos")


EPILOG = examples("merge scores/ -o scores.csv", "merge scores/ -o scores.parquet")
