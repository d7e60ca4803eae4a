"""What ``fit-regressor`` and ``evaluate`` say on stderr about the labels they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from conviqt_cli.cli.console import log, stderr
from conviqt_cli.cli.options import option_of
from conviqt_cli.fitting.listener import Listener

if TYPE_CHECKING:
    from conviqt_cli.labels.opinions import Labels


class LabelsShown(Listener):
    """Says all of it on stderr, unless ``quiet``."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def read(self, labels: Labels) -> None:
        """How the file was read."""
        show_labels(labels, self._quiet)

    def left_out(self, reasons: dict[str, list[str]]) -> None:
        """What is not used."""
        show_left_out(reasons, self._quiet)

    def unshared(self, rival: str, shared: int, count: int) -> None:
        """On how many videos models are compared."""
        log(f"compared on the {shared} of {count} videos that {rival} has too")


def show_labels(labels: Labels, quiet: bool) -> None:
    """Say how the file was read, which option settles each guess, and what is left out, before any work starts."""
    if quiet:
        return
    log(f"{labels.source}: {len(labels.names)} labels")
    for what, how in labels.facts.items():
        setting = labels.guessed.get(what)
        log(f"  {what}: {how}" + (f"; {option_of(setting)} to declare it" if setting else ""))
    show_left_out(labels.left_out, quiet)


def show_left_out(left_out: dict[str, list[str]], quiet: bool, shown: int = 10) -> None:
    """List what is not used, by reason."""
    if quiet:
        return
    for reason, items in left_out.items():
        stderr.print(Text.assemble((f"  not used, {reason}: ", "yellow"), f"{len(items)}"))
        for item in items[:shown]:
            log(f"    {item}")
        if len(items) > shown:
            log(f"    ... and {len(items) - shown} more (all of them with --json)")
