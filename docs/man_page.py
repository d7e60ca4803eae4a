"""Writes the man page, docs/conviqt.1, from the help texts: ``python -m docs.man_page``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from conviqt_cli import __version__
from conviqt_cli.cli.main import app

PAGE = Path(__file__).resolve().parent / "conviqt.1"

_EXIT_CODES = (
    ("0", "Everything was scored; of other commands: all went well."),
    ("1", "Some input could not be scored, or something else failed."),
    ("2", "Wrong usage."),
    ("3", "Everything was scored, but a video is below the gate (--fail-below, --fail-segment-below)."),
)
_ENVIRONMENT = (
    ("CONVIQT_FFMPEG", "The ffmpeg to use, 7.0 or newer."),
    ("CONVIQT_CACHE", "Where clip vectors and compiled graphs are kept, in place of the user's cache folder."),
    ("CONVIQT_SCRATCH", "Where videos from object stores are kept while they are scored."),
    ("RAY_ADDRESS", "The Ray cluster, in place of --address."),
    ("NO_COLOR", "No colours on a terminal."),
)


def man_page() -> str:
    """The page in roff (man macros)."""
    root = typer.main.get_command(app)
    lines = [
        f'.TH CONVIQT 1 "" "conviqt {__version__}" "User Commands"',
        ".SH NAME",
        r"conviqt \- score how good a video looks, without a reference",
        ".SH SYNOPSIS",
        r".B conviqt score",
        r".I VIDEO...",
        ".RI [ OPTIONS ]",
        ".br",
        r".B conviqt",
        ".I COMMAND",
        ".RI [ OPTIONS ]",
        ".SH DESCRIPTION",
        _text(root.help or ""),
        ".SH COMMANDS",
        *_commands(root, "conviqt"),
        ".SH EXIT STATUS",
        *_list(_EXIT_CODES),
        ".SH ENVIRONMENT",
        *_list(_ENVIRONMENT),
    ]
    return "\n".join(lines) + "\n"


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        called = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, called)
            continue
        arguments = [_metavar(each) for each in command.params if each.param_type_name == "argument"]
        yield f".SS {_text(' '.join([called, *arguments]))}"
        for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
            yield from (".PP", _text(paragraph))
        for parameter in command.params:
            if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
                yield from _option(parameter)
        examples = [line for line in (command.epilog or "").splitlines() if line.startswith("  ")]
        if examples:
            yield from (".PP", "Examples:", ".nf", *(_text(line, wrap=False) for line in examples), ".fi")


def _option(parameter: Any) -> Iterator[str]:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in (*parameter.opts, *parameter.secondary_opts))
    value = "" if parameter.is_flag else rf" \fI{_text(_metavar(parameter))}\fR"
    yield from (".TP", names + value, _text(parameter.help or ""))


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _list(entries: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, text in entries:
        yield from (".TP", rf"\fB{_text(term)}\fR", _text(text))


def _text(text: str, wrap: bool = True) -> str:
    """Plain text in roff: nothing in it is a command, and a hyphen can be copied as one."""
    plain = " ".join(text.split()) if wrap else text
    escaped = plain.replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + escaped if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    PAGE.write_text(man_page(), encoding="utf-8")
