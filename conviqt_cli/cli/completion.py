"""``conviqt completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

import os
from enum import Enum
from typing import Annotated

import typer

from conviqt_cli.cli.examples import examples

EPILOG = examples(
    "completion bash > ~/.local/share/bash-completion/completions/conviqt",
    "completion zsh > ~/.zfunc/_conviqt",
    "completion fish > ~/.config/fish/completions/conviqt.fish",
)

#: Set by the shell when it asks for completions.
_VARIABLE = "_CONVIQT_COMPLETE"


class Shell(str, Enum):
    """A shell that can be helped."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(show_default=False, help="The shell.")]) -> None:
    """Print what makes a shell complete conviqt's commands and options.

    Save it where the shell looks for such files, and start a new shell. For zsh, the folder must be in $fpath before
    compinit runs.
    """
    from typer._completion_shared import get_completion_script

    typer.echo(get_completion_script(prog_name="conviqt", complete_var=_VARIABLE, shell=shell.value))


def answer_shells() -> None:
    """Make the program answer a shell that asks for completions; does nothing for anybody else."""
    if _VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
