"""Options and steps that ``fit-regressor`` and ``evaluate`` share: labels, their vectors, what is shown of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from conviqt_cli.cli.console import log, stderr
from conviqt_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from conviqt_cli.labels.reading import Labels, Reading
    from conviqt_cli.scoring.feature_set import FeatureSet

_LABELS = "How labels are read"
_MODEL = "Model"

VideoCol = Annotated[
    str | None,
    typer.Option(
        "--video-col", metavar="COL", help="Column with video names: its heading or number.", rich_help_panel=_LABELS
    ),
]
MosCol = Annotated[
    str | None, typer.Option("--mos-col", metavar="COL", help="Column with opinion scores.", rich_help_panel=_LABELS)
]
GroupCol = Annotated[
    str | None,
    typer.Option(
        "--group-col",
        metavar="COL",
        help="Column with contents, which are never on both sides of a split; `none`: each video is its own content.",
        rich_help_panel=_LABELS,
    ),
]
StdCol = Annotated[
    str | None,
    typer.Option(
        "--std-col", metavar="COL", help="Column with the standard deviation of each score.", rich_help_panel=_LABELS
    ),
]
RatingsCol = Annotated[
    str | None,
    typer.Option("--ratings-col", metavar="COL", help="Column with the number of ratings.", rich_help_panel=_LABELS),
]
Dmos = Annotated[
    bool | None,
    typer.Option(
        "--dmos/--mos",
        help="Whether higher scores are worse (DMOS) or better (MOS).",
        show_default=False,
        rich_help_panel=_LABELS,
    ),
]
ScaleRange = Annotated[
    str | None,
    typer.Option("--scale", metavar="LOW:HIGH", help="Ends of the labels' scale, e.g. 1:5.", rich_help_panel=_LABELS),
]
Missing = Annotated[
    float | None,
    typer.Option("--missing", metavar="VALUE", help="Value that stands for a missing score.", rich_help_panel=_LABELS),
]
LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="NAME",
        help="Published database: konvid-1k, live-vqc, youtube-ugc, cvd2014, live-qualcomm, lsvq, live-yt-hfr, "
        "live-etri (default: recognised from the file's name and content); `none` switches that off.",
        rich_help_panel=_LABELS,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="DIR", help="Folder to cache clip vectors in (default: user cache).", rich_help_panel=_MODEL
    ),
]
Repeats = Annotated[int, typer.Option("--repeats", min=1, max=10_000, help="Number of random 80/20 splits.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the splits.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 uses every core. Does not affect the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def reading(
    video: str | None,
    mos: str | None,
    group: str | None,
    std: str | None,
    ratings: str | None,
    dmos: bool | None,
    scale: str | None,
    missing: float | None,
    layout: str | None,
) -> Reading:
    """The options as one value; raises :class:`UsageError` for a scale that is none."""
    from conviqt_cli.labels.reading import Reading

    return Reading(video, mos, std, ratings, group, _range(scale), dmos, missing, layout)


def _range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"--scale {text}: give the two ends, e.g. 1:5 or 0:100") from None
    if not float("-inf") < low < high < float("inf"):
        raise UsageError(f"--scale {text}: give two numbers, the lower end first")
    return low, high


def check_jobs(jobs: int) -> None:
    """Raise :class:`UsageError` for a number of processes that is none."""
    if jobs == 0 or jobs < -1:
        raise UsageError(f"--jobs {jobs}: give a number of processes, or -1 for every core")


def show_labels(labels: Labels, quiet: bool) -> None:
    """Say how the file was read, and what is left out, before any work starts."""
    if quiet:
        return
    log(f"{labels.source}: {len(labels.names)} labels")
    for what, how in labels.facts.items():
        log(f"  {what}: {how}")
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


def features_from_files(files: list[Path]) -> FeatureSet:
    """Feature files joined; raises :class:`InputError` when they do not belong together or repeat a video."""
    from conviqt_cli.scoring.feature_set import FeatureSet

    sets = [FeatureSet.load(file) for file in files]
    seen: set[str] = set()
    for file, each in zip(files, sets, strict=True):
        repeated = seen.intersection(each.videos)
        if repeated:
            raise InputError(f"{file}: {sorted(repeated)[0]} is also in another feature file")
        seen.update(each.videos)
    return FeatureSet.join(sets)


def features_from_videos(
    labels: Labels,
    folder: Path,
    weights: str | None,
    device: str,
    sampling: str,
    precision: str,
    threads: int | None,
    cache: Path | None,
    quiet: bool,
) -> tuple[FeatureSet, dict[str, str], list[str]]:
    """Vectors of the labelled videos below ``folder``; what failed and why; and videos without a label.

    Raises :class:`InputError` when no video could be read.
    """
    from conviqt_cli.cli.progress_bar import steps
    from conviqt_cli.fitting.extraction import default_cache, extract, media_files
    from conviqt_cli.labels.matching import match
    from conviqt_cli.scoring.feature_set import FeatureSet
    from conviqt_cli.scoring.scorer import load

    files = media_files(folder)
    matching = match(labels.names, files)
    wanted = sorted(matching.found.values())
    if not wanted:
        raise InputError(
            f"{folder}: none of {len(files)} videos fits any of {len(labels.names)} labels "
            f"(video {files[0]!r}, label {labels.names[0]!r}); is --video-col right?"
        )
    scorer = load(weights, None, device, sampling, precision, threads)
    settings = {"sampling": scorer.plan.to_dict(), "precision": scorer.encoder.precision}
    with steps(quiet) as advance:
        sets, failed = extract(
            scorer,
            settings,
            folder,
            wanted,
            cache or default_cache(),
            lambda done, total, name, kept: advance(f"{'kept' if kept else 'extracting'} {name}"[-60:], done, total),
        )
    if not sets:
        name, why = next(iter(failed.items()))
        raise InputError(f"none of {len(failed)} videos could be read; the first, {name}: {why}")
    return FeatureSet.join(sets), failed, matching.unlabelled


def dry_run_record(labels: Labels, left_out: dict[str, list[str]]) -> str:
    """What would be used, as JSON."""
    return json.dumps(
        {
            "schema": "conviqt-labels/1",
            "source": labels.source,
            "read": labels.facts,
            "scale": labels.scale.to_dict(),
            "labels": [
                {"video": name, "label": float(mos), "content": group}
                for name, mos, group in zip(labels.names, labels.mos, labels.groups, strict=True)
            ],
            "left_out": left_out,
        },
        indent=2,
    )
