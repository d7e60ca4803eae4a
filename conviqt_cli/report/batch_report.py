"""The end of a run over many videos: how many came out how, the worst, and how quality is distributed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.report.score_report import colour
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scorefiles.record import Entry
from conviqt_cli.scorefiles.tally import Tally

#: What the codes of failures mean, in the summary.
REASONS = {
    "unreadable": "cannot be read as a video",
    "decode_failed": "damaged or cut short",
    "limit": "beyond a limit",
    "changed": "changed while being scored",
    "internal": "internal error of this program",
}
WORST = 10
BINS = 8
WIDTH = 40


def batch_summary(tally: Tally, links: Sequence[str] = (), worst: bool = True) -> RenderableType:
    """Scored, failed by reason, skipped, copies, the worst ten and a histogram of quality.

    ``links`` are the videos that are symbolic links; without ``worst`` the worst ten are left out.
    """
    scored, failed = tally.scored, tally.failed
    counts = Table.grid(padding=(0, 2))
    counts.add_column(justify="right")
    counts.add_column()
    kept = f", {tally.kept} of {tally.total} from an earlier run" if tally.kept else ""
    counts.add_row(Text(str(len(scored)), style="bold"), Text(f"scored{kept}"))
    for code, count in Counter(entry.code or "error" for entry in failed).most_common():
        counts.add_row(Text(str(count), style="red"), Text(f"failed: {REASONS.get(code, code)}"))
    for reason, count in sorted(tally.skipped.items()):
        counts.add_row(Text(str(count), style="dim"), Text(f"skipped: {reason}", style="dim"))
    copies = tally.copies
    if copies:
        named = f"{printable(copies[0][0])} of {printable(copies[0][1])}"
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        counts.add_row(Text(str(len(copies))), Text(f"of the same content as another: {named}{more}"))
    if links:
        more = f" and {len(links) - 1} more" if len(links) > 1 else ""
        counts.add_row(Text(str(len(links))), Text(f"reached by a symbolic link: {printable(links[0])}{more}"))
    if tally.missing:
        counts.add_row(Text(str(tally.missing), style="yellow"), Text("not scored yet: run the same command again"))
    parts: list[RenderableType] = [counts]
    if len(scored) > 1:
        scale = scored[0].scale or ACR
        parts += [Text(""), _worst(scored, scale)] if worst else []
        parts += [Text(""), _histogram(scored, scale)]
    return Group(*parts)


def _worst(scored: list[Entry], scale: Scale) -> RenderableType:
    sign = 1 if scale.higher_is_better else -1
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    table.add_column("worst", justify="right")
    table.add_column("video", overflow="fold")
    for entry in heapq.nsmallest(WORST, scored, key=lambda entry: sign * _quality(entry)):
        table.add_row(
            Text(f"{_quality(entry):.2f}", style=colour(scale, _quality(entry))), Text(printable(entry.source))
        )
    return table


def _histogram(scored: list[Entry], scale: Scale) -> RenderableType:
    values = [_quality(entry) for entry in scored]
    low = min(values) if scale.low is None else scale.low
    high = max(values) if scale.high is None else scale.high
    step = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, max(0, int((value - low) / step)))] += 1
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    table.add_column("quality")
    table.add_column("videos", justify="right")
    table.add_column("")
    for index, count in enumerate(counts):
        left, right = low + index * step, low + (index + 1) * step
        bar = "█" * (-(-count * WIDTH // max(counts)) if count else 0)
        table.add_row(f"{left:.2f} to {right:.2f}", str(count), Text(bar, style=colour(scale, (left + right) / 2)))
    return Group(table, Text(f"quality: {scale.description}", style="dim"))


def printable(name: str) -> str:
    """A name on one line of a terminal: control characters and bytes that are not text as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in visible(name))


def _quality(entry: Entry) -> float:
    assert entry.quality is not None
    return entry.quality
