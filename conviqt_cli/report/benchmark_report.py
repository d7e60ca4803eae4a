"""What ``conviqt benchmark`` measured, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conviqt_cli.benchmark import Speed

_COLUMNS = ("size", "setting", "precision", "start", "s per video s", "CPU s", "frames/s", "MiB")


def benchmark_report(speeds: Sequence[Speed], why: str) -> RenderableType:
    """One row per size and setting, and ``why`` the default is what it is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _COLUMNS[:3] else "right")
    for each in speeds:
        table.add_row(
            each.size,
            each.setting,
            each.precision,
            f"{each.start:.1f} s",
            Text(f"{each.per_second:.2f}", style="green" if each.per_second <= 1 else "yellow"),
            f"{each.cpu:.2f}",
            f"{each.frames:.1f}",
            f"{each.memory / 2**20:.0f}",
        )
    note = "s per video s: below 1, a video is scored faster than it plays. default: "
    return Group(table, Text(""), Text(note + why, style="dim"))
