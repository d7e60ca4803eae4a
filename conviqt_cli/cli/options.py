"""Options that several commands share, and how their values are parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.errors import UsageError

#: Heading of the options that say which part of a video is scored, and how.
SCORED = "What is scored"

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="VIDEO...", help="Videos: files, folders, or URLs that ffmpeg opens.", show_default=False),
]


def _installed(name: str | None) -> str | None:
    """A bundle's name as it was given; raises :class:`UsageError` where there is no such bundle."""
    if name is not None and not Path(name).is_dir():
        from conviqt_cli.model.bundle import list_bundles

        if name not in {bundle.folder.name for bundle in list_bundles()}:
            known = "`conviqt weights list` shows those installed"
            raise UsageError(f"{name}: no such weight bundle; {known}", setting="weights")
    return name


def _existing(path: Path | None) -> Path | None:
    """A regressor's path as it was given; raises :class:`UsageError` where there is nothing."""
    if path is not None and not path.exists():
        raise UsageError(f"{path}: no such file", setting="regressor")
    return path


BundleName = Annotated[
    str | None,
    typer.Argument(
        metavar="BUNDLE", callback=_installed, show_default="the one that comes with conviqt",
        help="Name or folder of a bundle.",
    ),
]  # fmt: skip
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights", metavar="BUNDLE", callback=_installed, help="Weight bundle: a name or a folder.",
        rich_help_panel="Model",
    ),
]  # fmt: skip
RegressorFile = Annotated[
    Path | None,
    typer.Option(
        "--regressor", metavar="FILE", callback=_existing, help="Regressor to use instead of the bundle's.",
        rich_help_panel="Model",
    ),
]  # fmt: skip
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|cuda:N", help="Device to compute on.", rich_help_panel="Model")
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="auto|fp32|bf16|fp16|int8",
        help="Number format of the networks; auto is the fastest that was found to agree with fp32.",
        rich_help_panel="Model",
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend", metavar="auto|torch|openvino", help="What runs the networks; OpenVINO runs on CPUs only.",
        rich_help_panel="Model",
    ),
]  # fmt: skip
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads (default: all).", rich_help_panel="Model")
]
Sampling = Annotated[
    str,
    typer.Option(
        "--sampling",
        metavar="sparse|dense|every:SECONDS",
        help="Which clips of 16 frames to score; dense is every frame, the published protocol.",
        rich_help_panel=SCORED,
    ),
]
Picture = Annotated[
    str | None,
    typer.Option(
        "--picture", metavar="crops|whole", show_default="what the regressor was fitted on", rich_help_panel=SCORED,
        help="Which pixels to look at: a few squares of each picture, or all of it, the published protocol.",
    ),
]  # fmt: skip
DisplaySize = Annotated[
    str | None,
    typer.Option(
        "--display", metavar="source|auto|LINES", show_default="source", rich_help_panel=SCORED,
        help="Score pictures as seen scaled to this many lines (such as 1080); auto scales small ones up to 1080.",
    ),
]  # fmt: skip
Start = Annotated[
    str | None,
    typer.Option("--start", metavar="TIME", help="Start here: seconds or [H:]M:S.", rich_help_panel=SCORED),
]
Duration = Annotated[
    str | None,
    typer.Option("--duration", metavar="TIME", help="Score this much: seconds or [H:]M:S.", rich_help_panel=SCORED),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", min=1, metavar="SECONDS", help="Abort a video if no frame is decoded for this many seconds.",
        rich_help_panel=SCORED,
    ),
]  # fmt: skip
MaxFrames = Annotated[
    int,
    typer.Option(
        "--max-frames", min=1, metavar="N", help="Abort a video that has more frames than this.",
        rich_help_panel=SCORED,
    ),
]  # fmt: skip
Stream = Annotated[
    int | None,
    typer.Option(
        "--stream", min=0, metavar="N", show_default="the default, else the largest", rich_help_panel=SCORED,
        help="Score the stream of this number, as ffmpeg counts them.",
    ),
]  # fmt: skip
CropBars = Annotated[
    bool,
    typer.Option(
        "--crop-bars/--no-crop-bars", rich_help_panel=SCORED,
        help="Score only the picture inside black bars, or the whole frame.",
    ),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Report ffmpeg, model and settings on stderr.")]


#: Options whose name is not that of the setting.
_OPTION_OF = {"pooling": "pool", "plan": "sampling"}


def option_of(setting: str) -> str:
    """The command-line option that stands for a setting: ``pooling`` is ``--pool``, ``max_frames`` ``--max-frames``."""
    return "--" + _OPTION_OF.get(setting, setting).replace("_", "-")


def parse_time(text: str | None, option: str) -> float | None:
    """Seconds from ``12.5``, ``1:30`` or ``1:02:03.5``; raises :class:`UsageError` naming ``option``."""
    if text is None:
        return None
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = [-1.0]
    if len(parts) > 3 or any(not 0 <= value < float("inf") for value in values):
        raise UsageError(f"{option} {text}: give seconds (12.5), or M:S, or H:M:S")
    seconds = 0.0
    for value in values:
        seconds = seconds * 60 + value
    return seconds


def parse_span(start: str | None, duration: str | None) -> tuple[float, float | None]:
    """Both times in seconds; raises :class:`UsageError` for text that is not a time, and for an empty span."""
    length = parse_time(duration, "--duration")
    if length == 0:
        raise UsageError("--duration 0: there would be nothing to score")
    return parse_time(start, "--start") or 0.0, length
