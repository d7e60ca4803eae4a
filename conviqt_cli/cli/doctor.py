"""``conviqt doctor``: whether this installation can score."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.examples import examples

EPILOG = examples("doctor", "doctor --json", "doctor --weights ./my-bundle")
_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


def doctor(
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="BUNDLE", help="Examine this weight bundle.", rich_help_panel="Model"),
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    backend: options.Backend = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Examine this installation and score a clip of known score; every problem is shown with its cure.

    Exit code: 0 healthy, 1 problems.
    """
    from conviqt_cli.doctor.check import State
    from conviqt_cli.doctor.examination import examine
    from conviqt_cli.files import cache_folder
    from conviqt_cli.scoring.settings import ScoringSettings

    settings = ScoringSettings(weights, device=device, precision=precision, backend=backend)
    checks = list(examine(settings, cache_folder()))
    problems = [check for check in checks if check.state is State.PROBLEM]
    if as_json:
        typer.echo(json.dumps({"healthy": not problems, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for check in checks:
            cure = f"\n{check.cure}" if check.cure else ""
            style = _STYLES[check.state]
            table.add_row(check.part, Text(check.state.value, style=style), Text.assemble(check.found, (cure, style)))
        console = Console(highlight=False)
        console.print(table)
        count = len(problems)
        verdict = f"{count} {'problem' if count == 1 else 'problems'}" if problems else "healthy"
        console.print(f"\n{verdict}", style="bold red" if problems else "bold green")
    if problems:
        raise typer.Exit(1)
