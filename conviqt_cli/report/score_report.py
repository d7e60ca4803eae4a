"""The report people read in a terminal: one video in full, or several as a list."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conviqt_cli.plans.picture_plan import SOURCE, WHOLE
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.quality.scale import Scale
from conviqt_cli.scoring.events import CUT
from conviqt_cli.scoring.results import Interval, Result, VideoScore

_BARS = "▁▂▃▄▅▆▇█"
#: Most events listed.
_EVENTS = 8

_LOOKS_LIKE = "looks like"
_COLOURS = ("red", "dark_orange", "yellow", "green", "bright_green")


def full_report(score: VideoScore, width: int = 80) -> RenderableType:
    """One video: pooled quality, timeline, worst segments and what they look like, what was scored, warnings."""
    parts: list[RenderableType] = [_headline(score), Text("")]
    if len(score.segments) > 1:
        parts += [*_timeline(score, max(20, min(width - 14, 100))), Text("")]
        if score.verdict.bad:
            parts += [_worst(score), Text("")]
    parts += [*_events(score), _facts(score)]
    said = {event.code for event in score.events}
    parts += [Text.assemble(("warning  ", "yellow"), note.text) for note in score.warnings if note.code not in said]
    return Group(*parts)


def summary(results: Sequence[Result]) -> RenderableType:
    """Several videos: one line each, in the order given."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("quality", "right"), ("", "left"), ("worst", "right"), ("at", "right"), ("video", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    scale: Scale | None = None
    for result in results:
        if isinstance(result, VideoScore):
            scale = result.scale
            worst = result.worst(1)[0]
            table.add_row(
                Text(f"{result.quality:.2f}", style=colour(result.scale, result.quality)),
                result.word or "",
                f"{worst.quality:.2f}",
                clock(worst.start),
                Text(result.source),
            )
        else:
            table.add_row(Text("failed", style="red"), "", "", "", Text(result.reason))
    note = Text(f"quality: {scale.description}", style="dim") if scale else Text("")
    return Group(table, note)


def clock(seconds: float) -> str:
    """A time as ``m:ss.ss`` or ``h:mm:ss.ss``."""
    minutes, rest = divmod(round(seconds, 2), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:05.2f}" if hours else f"{minutes}:{rest:05.2f}"


def colour(scale: Scale, quality: float) -> str:
    """A colour from red (bad) to green (excellent); none where the scale's ends are not known."""
    if scale.low is None or scale.high is None:
        return ""
    share = (scale.clip(quality) - scale.low) / (scale.high - scale.low)
    share = share if scale.higher_is_better else 1 - share
    return _COLOURS[min(4, int(share * 5))]


def interval_text(interval: Interval) -> str:
    """``90 % interval 2.22 to 3.64``."""
    return f"{100 * interval.level:g} % interval {interval.low:.2f} to {interval.high:.2f}"


def _headline(score: VideoScore) -> Text:
    line = Text.assemble((score.source, "bold"), f"\n\n  {score.verdict.text}\n\n  quality  ")
    line.append(f"{score.quality:.2f}", style=f"bold {colour(score.scale, score.quality)}")
    if score.word:
        line.append(f"  {score.word}", style=f"bold {colour(score.scale, score.quality)}")
    if score.interval:
        line.append(f"   {interval_text(score.interval)}")
    line.append(f"\n  scale    {score.scale.description}", style="dim")
    # Of several segments the worst ones are listed with theirs; a video has no diagnosis of its own.
    if len(score.segments) == 1 and score.segments[0].diagnosis and score.segments[0].diagnosis.text:
        line.append(f"\n  picture  {score.segments[0].diagnosis.text}")
    return line


def _timeline(score: VideoScore, width: int) -> list[RenderableType]:
    """Quality over time as a row of bars on the scale's own range (or on the data's, where the scale has none)."""
    segments = score.segments
    begin, end = segments[0].start, segments[-1].end
    values = [segment.quality for segment in segments]
    scale = score.scale
    low = min(values) if scale.low is None else scale.low
    high = max(values) if scale.high is None else scale.high
    row = Text("  ")
    for cell in range(width):
        time = begin + (cell + 0.5) / width * (end - begin)
        # A moment between two clips shows the clip nearest to it.
        nearest = min(segments, key=lambda s: max(s.start - time, time - s.end, 0.0))
        share = (nearest.quality - low) / (high - low) if high > low else 0.5
        row.append(_BARS[min(7, max(0, int(share * 8)))], style=colour(scale, nearest.quality))
    left, right = clock(begin), clock(end)
    axis = Text("  " + left + " " * max(1, width - len(left) - len(right)) + right, style="dim")
    return [Text(f"  quality over time, {low:g} to {high:g}", style="dim"), row, axis]


def _worst(score: VideoScore) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    worst = score.worst(3)
    for name in ("  worst segments", "quality", ""):
        table.add_column(name, no_wrap=True)
    if any(segment.diagnosis for segment in worst):
        table.add_column(_LOOKS_LIKE)
    for segment in worst:
        table.add_row(
            f"  {clock(segment.start)} to {clock(segment.end)}",
            Text(f"{segment.quality:.2f}", style=colour(score.scale, segment.quality)),
            score.scale.word(segment.quality) or "",
            # The head of the column says it once.
            *([segment.diagnosis.text.removeprefix(f"{_LOOKS_LIKE} ")] if segment.diagnosis else []),
        )
    return table


def _events(score: VideoScore) -> list[RenderableType]:
    """A line each; cuts are no faults, and there may be hundreds of them."""
    events = [event for event in score.events if event.code != CUT]
    lines: list[RenderableType] = [Text.assemble(("  event    ", "yellow"), each.text) for each in events[:_EVENTS]]
    if len(events) > _EVENTS:
        lines.append(Text(f"           and {len(events) - _EVENTS} more, which JSON lists"))
    return [*lines, Text("")] if lines else []


def facts(score: VideoScore) -> tuple[tuple[str, str], ...]:
    """What was scored, how, and by which model: names and texts."""
    info, plan = score.video, score.settings.plan
    rate = f"{float(info.fps):.5g} fps" if info.fps else "still image"
    turned = (", mirrored" if info.mirrored else "") + (f", turned {info.rotation} degrees" if info.rotation else "")
    chosen = f", stream #{info.stream} of {info.video_streams}" if info.video_streams > 1 else ""
    depth = f" {info.bit_depth}-bit" if info.bit_depth != 8 else ""
    length = clock(info.duration) if info.duration else "length not stated"
    every = plan.period_for(info.duration)
    back_to_back = not info.fps or every * float(info.fps) <= CLIP_LENGTH
    spread = "back to back" if back_to_back else f"a clip every {every:.3g} s"
    clip_word = "segment" if len(score.segments) == 1 else "segments"
    model = f"{score.model.id} ({score.model.checksum[:12]})"
    picture, display = score.settings.picture or WHOLE, score.settings.display or SOURCE
    looked = f"{picture.name}{'' if display == SOURCE else f', display {display}'}"
    return (
        ("video", f"{info.width}x{info.height}{turned}{chosen}, {rate}, {length}, {info.codec}{depth}"),
        ("scored", f"{len(score.segments)} {clip_word}, {score.frames_scored} frames "
                   f"({plan.name}: {spread}; {looked}), pooled by {score.pooling}"),
        ("model", f"{model}, {score.settings.device} {score.settings.precision}, {score.wall_seconds:.1f} s"),
    )  # fmt: skip


def _facts(score: VideoScore) -> Text:
    return Text("\n".join(f"  {name:<8} {text}" for name, text in facts(score)), style="dim")
