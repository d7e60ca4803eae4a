"""The ``conviqt`` command: its subcommands, and how errors become exit codes."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from conviqt_cli import __version__
from conviqt_cli.cli.benchmark import benchmark
from conviqt_cli.cli.compare import EPILOG as COMPARE_EPILOG
from conviqt_cli.cli.compare import compare
from conviqt_cli.cli.completion import EPILOG as COMPLETION_EPILOG
from conviqt_cli.cli.completion import answer_shells, completion
from conviqt_cli.cli.doctor import EPILOG as DOCTOR_EPILOG
from conviqt_cli.cli.doctor import doctor
from conviqt_cli.cli.evaluate import evaluate
from conviqt_cli.cli.features import features
from conviqt_cli.cli.fit_regressor import fit_regressor
from conviqt_cli.cli.merge import EPILOG as MERGE_EPILOG
from conviqt_cli.cli.merge import merge
from conviqt_cli.cli.options import option_of
from conviqt_cli.cli.score import score
from conviqt_cli.cli.summary import EPILOG as SUMMARY_EPILOG
from conviqt_cli.cli.summary import summary
from conviqt_cli.cli.termination import EXIT_TERMINATED, Terminated, leave, quiet_pipes, termination
from conviqt_cli.cli.train import train_app
from conviqt_cli.cli.weights import weights_app
from conviqt_cli.errors import ConviqtError, UsageError

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


class _Commands(TyperGroup):
    """The commands; whoever gives a video in place of one is told which command takes videos."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See ``click.Group.resolve_command``."""
        name = args[0]
        if name not in self.commands and (Path(name).exists() or "://" in name or Path(name).suffix):
            raise UsageError(f"{name} is not a command; to score a video: conviqt score {shlex.quote(name)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="conviqt",
    cls=_Commands,
    help="Judge how good a video looks, with no reference. Scores run from 1 (bad) to 5 (excellent).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("score")(score)
app.command("compare", epilog=COMPARE_EPILOG)(compare)
app.command("summary", epilog=SUMMARY_EPILOG)(summary)
app.command("merge", epilog=MERGE_EPILOG)(merge)
app.command("doctor", epilog=DOCTOR_EPILOG)(doctor)
app.command("completion", epilog=COMPLETION_EPILOG)(completion)
app.command("features")(features)
app.command("fit-regressor")(fit_regressor)
app.command("evaluate")(evaluate)
app.command("benchmark")(benchmark)
app.add_typer(weights_app, name="weights")
app.add_typer(train_app, name="train")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"conviqt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options that come before a command."""


@app.command("help")
def help_(
    command: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)] = None,
) -> None:
    """Show the help of conviqt, or of one of its commands."""
    app([*(command or []), "--help"], prog_name="conviqt")


@app.command("version")
def version_() -> None:
    """Print the version."""
    _show_version(True)


def main() -> NoReturn:
    """Run the command line.

    Exit codes: 0 when all went well, 1 when some input failed, 2 for wrong usage, 3 when a score is below the gate.
    """
    quiet_pipes()
    answer_shells()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        with termination():
            _run()
    except Terminated:
        typer.echo("stopped by SIGTERM; what is finished is kept: run the same command again to resume", err=True)
        leave(EXIT_TERMINATED)
    sys.exit(EXIT_OK)


def _run() -> None:
    try:
        app(prog_name="conviqt")
    except SystemExit as leaving:
        if leaving.code == EXIT_USAGE:
            _explain_dashes(sys.argv[1:])
        raise
    except UsageError as error:
        _fail(error, EXIT_USAGE)
    except ConviqtError as error:
        _fail(error, EXIT_FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(ConviqtError(f"{where}{error.strerror or error}"), EXIT_FAILED)


def _explain_dashes(arguments: list[str]) -> None:
    """After a complaint about the options: an argument may have been meant as the name of a file."""
    from conviqt_cli.video.media_kinds import Kind, kind_by_name

    for name in arguments:
        if name.startswith("-") and (os.path.lexists(name) or kind_by_name(name) is Kind.VIDEO):
            typer.echo(f"{name} was read as options; to name a file, write ./{name}", err=True)


def _fail(error: ConviqtError, code: int) -> NoReturn:
    # The library speaks of settings; only here is it known which option stands for one.
    setting = getattr(error, "setting", None)
    hint = f" (see {option_of(setting)})" if setting else ""
    typer.echo(f"error: {error}{hint}", err=True)
    sys.exit(code)
