"""``conviqt features``: clip vectors to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log, progress
from conviqt_cli.errors import BundleError, ConviqtError, RegressorError, UsageError


def features(
    videos: options.Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.npz", help="Where the vectors go.")],
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Search subfolders, too.")] = False,
    sampling: options.Sampling = "sparse",
    picture: options.Picture = None,
    display: options.DisplaySize = None,
    start: options.Start = None,
    duration: options.Duration = None,
    timeout: options.Timeout = 120.0,
    stream: options.Stream = None,
    crop_bars: options.CropBars = True,
    weights: options.Weights = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write the clip vectors of videos to a file, for `conviqt fit-regressor`, `conviqt evaluate` or your own use.

    The array `clip_features` holds one row of 2048 values per clip. Videos that cannot be read are left out, and the
    exit code is then 1.

    Examples:

    conviqt features video.mp4 a.mp4 -o vectors.npz

    conviqt features videos/ --recursive --sampling dense -o vectors.npz
    """
    span = options.parse_span(start, duration)
    if output.suffix != ".npz":
        raise UsageError(f"-o {output}: vectors are written as .npz; end the name so")
    if not output.parent.is_dir():
        raise UsageError(f"-o {output}: there is no folder {output.parent}")

    from conviqt_cli.batch.discovery import Rules
    from conviqt_cli.batch.inputs import Inputs
    from conviqt_cli.scoring.feature_set import FeatureSet
    from conviqt_cli.scoring.scorer import load

    found = Inputs(tuple(videos), rules=Rules(recursive)).find(sys.stdin.buffer)
    if not quiet and found.skipped:
        log("skipped: " + ", ".join(f"{count} {reason}" for reason, count in sorted(found.skipped.items())))
    failed = 0
    for refused in found.refused.values():
        failed += 1
        log(f"error: {refused.reason}")
    scorer = load(
        weights, None, device, sampling, precision, threads,
        timeout=timeout, stream=stream, picture=picture, display=display, backend=backend,
        crop_bars=crop_bars,
    )  # fmt: skip
    if verbose:
        log(f"model {scorer.bundle.id}, encoder {scorer.encoder_id}")
        encoder = scorer.encoder
        log(f"{encoder.device}, {encoder.precision} by {encoder.backend}, sampling {scorer.plan.to_dict()}")
    sets = []
    with progress(quiet) as callback:
        for video in (each for each in found.sources if each not in found.refused):
            try:
                sets.append(scorer.features(video, *span, callback))
            except (BundleError, RegressorError, UsageError):
                raise
            except ConviqtError as error:
                log(f"error: {error}")
                failed += 1
    if sets:
        joined = FeatureSet.join(sets)
        joined.save(output)
        if not quiet:
            log(f"{output}: {len(joined.clip_features)} clips of {len(sets)} videos")
    if failed:
        raise typer.Exit(1)
