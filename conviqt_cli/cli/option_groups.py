"""Groups of options that several commands share, each declared once as a dataclass.

A command takes a group as one parameter; :func:`grouped` shows the group's options to Typer one by one::

    @grouped
    def evaluate(labels: ..., model: ModelOptions, reading: LabelOptions, quiet: options.Quiet = False) -> None:
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from conviqt_cli.cli import options
from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    from conviqt_cli.fitting.extraction import ExtractionSettings
    from conviqt_cli.labels.settings import LabelSettings

_LABELS = "How labels are read"
_REPEATS = "Splits and resampling"


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with each parameter whose type is a dataclass replaced by the fields of that class, as options."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        group = groups.get(parameter.name)
        parameters += [parameter.replace(annotation=hints[parameter.name])] if group is None else _parameters(group)

    @functools.wraps(command)
    def with_groups(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    with_groups.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_groups.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_groups


def _parameters(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=hints[each.name]) for each in fields(group)
    ]


@dataclass(frozen=True)
class LabelOptions:
    """How a label file is read; without an option, its answer is guessed from the file."""

    video_col: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column with video names: heading or number.", rich_help_panel=_LABELS),
    ] = None
    mos_col: Annotated[
        str | None, typer.Option(metavar="COL", help="Column with opinion scores.", rich_help_panel=_LABELS)
    ] = None
    group_col: Annotated[
        str | None,
        typer.Option(
            metavar="COL",
            rich_help_panel=_LABELS,
            help="Column with contents, which are never split between training and test; `none`: each video is its "
            "own content.",
        ),
    ] = None
    std_col: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column with each score's standard deviation.", rich_help_panel=_LABELS),
    ] = None
    ratings_col: Annotated[
        str | None, typer.Option(metavar="COL", help="Column with the number of ratings.", rich_help_panel=_LABELS)
    ] = None
    dmos: Annotated[
        bool | None,
        typer.Option(
            "--dmos/--mos",
            show_default=False,
            rich_help_panel=_LABELS,
            help="Whether higher scores are worse (DMOS) or better (MOS).",
        ),
    ] = None
    scale: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH", help="Ends of the labels' scale, e.g. 1:5.", rich_help_panel=_LABELS),
    ] = None
    missing: Annotated[
        float | None,
        typer.Option(metavar="VALUE", help="Value that marks a missing score.", rich_help_panel=_LABELS),
    ] = None
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default="recognised from the file's name and content", rich_help_panel=_LABELS,
            help="Published database: konvid-1k, live-vqc, youtube-ugc, cvd2014, live-qualcomm, lsvq, live-yt-hfr, "
            "live-etri; or none.",
        ),
    ] = None  # fmt: skip

    def settings(self) -> LabelSettings:
        """The options as settings; raises :class:`UsageError` for a scale that cannot be read."""
        from conviqt_cli.labels.settings import LabelSettings, parse_scale

        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return LabelSettings(**{**given, "scale": None if self.scale is None else parse_scale(self.scale)})


@dataclass(frozen=True)
class ModelOptions:
    """The model that makes clip vectors of labelled videos, and where they are kept."""

    weights: options.Weights = None
    device: options.Device = "auto"
    sampling: options.Sampling = "sparse"
    precision: options.Precision = "auto"
    picture: options.Picture = None
    display: options.DisplaySize = None
    backend: options.Backend = "auto"
    threads: options.Threads = None
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", show_default="the user's cache folder", rich_help_panel="Model",
            help="Folder to keep clip vectors in.",
        ),
    ] = None  # fmt: skip

    def extraction(self) -> ExtractionSettings:
        """The options as settings; raises :class:`UsageError` for a sampling that cannot be read."""
        from conviqt_cli.fitting.extraction import ExtractionSettings
        from conviqt_cli.scoring.settings import parse_settings

        scoring = parse_settings(
            self.sampling,
            self.picture,
            self.display,
            weights=self.weights,
            device=self.device,
            precision=self.precision,
            threads=self.threads,
            backend=self.backend,
        )
        return ExtractionSettings(scoring, self.cache)


@dataclass(frozen=True)
class SplitOptions:
    """How often sets are split or resampled, and on how many processes."""

    repeats: Annotated[
        int, typer.Option(min=1, max=10_000, help="Number of random 80/20 splits.", rich_help_panel=_REPEATS)
    ] = 100
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the splits and the resampling.", rich_help_panel=_REPEATS)
    ] = 0
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", rich_help_panel=_REPEATS,
            help="Processes; -1 uses every core. The results do not depend on it.",
        ),
    ] = -1  # fmt: skip

    def check(self) -> None:
        """Raise :class:`UsageError` for a number of processes that is none."""
        if self.jobs == 0 or self.jobs < -1:
            raise UsageError(f"--jobs {self.jobs}: give a number of processes, or -1 for every core")
