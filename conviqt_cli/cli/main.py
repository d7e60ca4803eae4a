"""The ``conviqt`` command: its subcommands, and how errors become exit codes."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from conviqt_cli import __version__
from conviqt_cli.cli.evaluate import evaluate
from conviqt_cli.cli.features import features
from conviqt_cli.cli.fit_regressor import fit_regressor
from conviqt_cli.cli.options import option_of
from conviqt_cli.cli.score import score
from conviqt_cli.cli.train import train_app
from conviqt_cli.cli.weights import weights_app
from conviqt_cli.errors import ConviqtError, UsageError

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

app = typer.Typer(
    name="conviqt",
    help="Judge how good a video looks, with no reference. Scores run from 1 (bad) to 5 (excellent).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("score")(score)
app.command("features")(features)
app.command("fit-regressor")(fit_regressor)
app.command("evaluate")(evaluate)
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


def main() -> NoReturn:
    """Run the command line; the exit code is 0 when all went well, 1 when some input failed, 2 for wrong usage."""
    # File names need not be text, and a terminal need not know every character: show both rather than fail.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s: %(message)s", level=logging.WARNING)
    # Whoever stops the program politely gets its clean-up, and no decoder is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app(prog_name="conviqt")
    except UsageError as error:
        _fail(error, EXIT_USAGE)
    except ConviqtError as error:
        _fail(error, EXIT_FAILED)
    except BrokenPipeError:
        # The reader of our output has left (`| head`); nothing is wrong, and nothing more can be said on stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_OK)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(ConviqtError(f"{where}{error.strerror or error}"), EXIT_FAILED)
    sys.exit(EXIT_OK)


def _fail(error: ConviqtError, code: int) -> NoReturn:
    # The library speaks of settings; only here is it known which option stands for one.
    setting = getattr(error, "setting", None)
    hint = f" (see {option_of(setting)})" if setting else ""
    typer.echo(f"error: {error}{hint}", err=True)
    sys.exit(code)
