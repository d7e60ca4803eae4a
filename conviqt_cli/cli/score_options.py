"""The options of ``conviqt score``, in groups: what each declares, and the settings it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    from conviqt_cli.batch.inputs import Inputs
    from conviqt_cli.cli.pages import Pages
    from conviqt_cli.cli.score_run import Running
    from conviqt_cli.quality.gate import Gate
    from conviqt_cli.scoring.settings import ScoringSettings

_FOLDERS = "Folders and lists"
_RUN = "Many videos"
_GATE = "Gate"
_PAGES = "Pages and pictures"


@dataclass(frozen=True)
class FolderOptions:
    """Which files of folders and lists are scored."""

    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Search subfolders, too.", rich_help_panel=_FOLDERS)
    ] = False
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Score only these files of a folder (repeatable).", rich_help_panel=_FOLDERS),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Skip these files and subfolders (repeatable).", rich_help_panel=_FOLDERS),
    ] = None
    files_from: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Read names from a file, one a line; - is stdin.", rich_help_panel=_FOLDERS),
    ] = None
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names in lists end with NUL, not newline.", rich_help_panel=_FOLDERS)
    ] = False

    def inputs(self, videos: list[str] | None, own: str | None) -> Inputs:
        """The videos named, ``own`` (the output) left out; raises :class:`UsageError` where none are."""
        from conviqt_cli.batch.discovery import Rules
        from conviqt_cli.batch.inputs import Inputs

        rules = Rules(self.recursive, tuple(self.include or ()), tuple(self.exclude or ()), own)
        return Inputs(tuple(videos or ()), tuple(self.files_from or ()), b"\0" if self.null else b"\n", rules)


@dataclass(frozen=True)
class RunOptions:
    """How many videos are scored, and what of an earlier run is kept."""

    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Videos scored at once, per device.", rich_help_panel=_RUN)
    ] = 1
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Retry videos that failed before.", rich_help_panel=_RUN)
    ] = False
    force: Annotated[
        bool,
        typer.Option("--force", help="Start over; what the output holds is kept as a .bak file.", rich_help_panel=_RUN),
    ] = False
    keep_missing: Annotated[
        bool, typer.Option("--keep-missing", help="Keep the rows of files that are gone.", rich_help_panel=_RUN)
    ] = False
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="GB",
            show_default="80 % of what is free",
            rich_help_panel=_RUN,
            help="Memory limit for the videos in progress; a video that needs more fails.",
        ),
    ] = None
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|ray",
            rich_help_panel=_RUN,
            help="Where videos are scored: this machine, or a Ray cluster.",
        ),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ray://HOST:PORT",
            show_default="a cluster on this machine, or $RAY_ADDRESS",
            rich_help_panel=_RUN,
            help="The Ray cluster.",
        ),
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default="30:00",
            rich_help_panel=_RUN,
            help="Divide longer videos among Ray's workers in parts of this length; the scores stay the same.",
        ),
    ] = None

    def running(self) -> Running:
        """The options as settings; raises :class:`UsageError` for what does not go together."""
        from conviqt_cli.cli.score_run import Running

        running = Running(self.engine, self.jobs, self.memory, self.address, options.parse_time(self.split, "--split"))
        running.check()
        return running

    def check_output(self, file: Path | None) -> None:
        """Raise :class:`UsageError` for options about what a score file holds where there is none."""
        if (self.retry_failed or self.force) and file is None:
            name = "--force" if self.force else "--retry-failed"
            raise UsageError(f"{name}: there is no output to resume; give -o FILE")


@dataclass(frozen=True)
class GateOptions:
    """The quality that every video must reach."""

    fail_below: Annotated[
        float | None,
        typer.Option(
            metavar="QUALITY",
            rich_help_panel=_GATE,
            help="Exit with 3 if a video's quality is lower (higher, where higher is worse).",
        ),
    ] = None
    fail_segment_below: Annotated[
        float | None,
        typer.Option(metavar="QUALITY", rich_help_panel=_GATE, help="The same for the worst segment of each video."),
    ] = None

    def gate(self) -> Gate:
        """The options as a gate."""
        from conviqt_cli.quality.gate import Gate

        return Gate(self.fail_below, self.fail_segment_below)


@dataclass(frozen=True)
class PageOptions:
    """What is written for people."""

    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            rich_help_panel=_PAGES,
            help="Write a page; of several videos a table and a page each. Scores regions of the worst frames, too.",
        ),
    ] = None
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg|png", help="Draw one video's timeline.", rich_help_panel=_PAGES)
    ] = None
    thumbnails: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write frames of the worst segments as JPEG.", rich_help_panel=_PAGES),
    ] = None

    def pages(self, single: bool) -> Pages:
        """What is to be written, of a ``single`` video or of many; raises :class:`UsageError` where it cannot be."""
        from conviqt_cli.cli.pages import Pages

        pages = Pages(self.report, self.plot, self.thumbnails, single)
        pages.check()
        return pages


@dataclass(frozen=True)
class ScoringOptions:
    """How a video is scored."""

    pool: Annotated[
        str,
        typer.Option(
            "--pool",
            metavar="mean|median|harmonic|p5|p10|p20|min|hysteresis",
            help="How segment scores become one score.",
            rich_help_panel=options.SCORED,
        ),
    ] = "mean"
    sampling: options.Sampling = "sparse"
    picture: options.Picture = None
    display: options.DisplaySize = None
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            rich_help_panel=options.SCORED,
            help="The published protocol: every frame, all of its pixels, fp32. Slow.",
        ),
    ] = False
    start: options.Start = None
    duration: options.Duration = None
    timeout: options.Timeout = 120.0
    max_frames: options.MaxFrames = 1_000_000
    stream: options.Stream = None
    crop_bars: options.CropBars = True
    weights: options.Weights = None
    regressor: options.RegressorFile = None
    device: options.Device = "auto"
    precision: options.Precision = "auto"
    backend: options.Backend = "auto"
    threads: options.Threads = None

    def settings(self) -> ScoringSettings:
        """The options as settings; raises :class:`UsageError` for what cannot be read or contradicts ``--exact``."""
        span = options.parse_span(self.start, self.duration)
        sampling, picture, precision = self._exact() if self.exact else (self.sampling, self.picture, self.precision)

        from conviqt_cli.scoring.settings import Span, parse_settings

        return parse_settings(
            sampling,
            picture,
            self.display,
            weights=self.weights,
            regressor=self.regressor,
            device=self.device,
            precision=precision,
            threads=self.threads,
            pooling=self.pool,
            span=Span(*span),
            timeout=self.timeout,
            max_frames=self.max_frames,
            stream=self.stream,
            backend=self.backend,
            crop_bars=self.crop_bars,
        )

    def _exact(self) -> tuple[str, str, str]:
        """What ``--exact`` stands for; raises :class:`UsageError` when another option says otherwise."""
        stands_for = {"sampling": "dense", "picture": "whole", "precision": "fp32"}
        unless_given = {"sampling": "sparse", "picture": None, "precision": "auto"}
        for name, value in stands_for.items():
            given = getattr(self, name)
            if given not in (value, unless_given[name]):
                raise UsageError(f"--exact means --{name} {value}, not {given}; leave one of them out")
        return "dense", "whole", "fp32"
