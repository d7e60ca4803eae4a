"""``conviqt benchmark``: how fast this machine scores, and which defaults it has."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.errors import UsageError


def benchmark(
    size: Annotated[
        list[int] | None,
        typer.Option(
            "--size", metavar="LINES", show_default="360, 1080, 2160", min=64, max=4320,
            help="Height of the picture (repeatable).",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SETTING", help="Measure only these: default, crops fp32, crops int8, whole, exact."),
    ] = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Measure how fast this machine scores, in each plan and precision, and say which defaults it has and why.

    Takes a few minutes; the published protocol on a large picture takes most of them. The figures are kept: later runs
    of conviqt score estimate their time from them.

    Examples:

    conviqt benchmark

    conviqt benchmark --size 1080 --only default --only "crops fp32"
    """
    from conviqt_cli.benchmark import SETTINGS, measure
    from conviqt_cli.known_speeds import remember
    from conviqt_cli.model.backends import why_precision
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.report.benchmark_report import benchmark_report

    known = {setting.name: setting for setting in SETTINGS}
    unknown = [name for name in only or () if name not in known]
    if unknown:
        raise UsageError(f"--only {unknown[0]}: choose from {', '.join(known)}")
    bundle = open_bundle(weights)
    extra = ["--device", device]
    extra += [] if weights is None else ["--weights", weights]
    extra += [] if threads is None else ["--threads", str(threads)]
    settings = [known[name] for name in only or known]
    if "crops" not in bundle.picture_plans or device.startswith("cuda"):
        settings = [each for each in settings if each.name in ("default", "whole", "exact")]
    say = (lambda what: None) if quiet else log
    why = why_precision(bundle, next(iter(bundle.picture_plans)), device)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), size or (360, 1080, 2160), settings, extra, say)
    try:
        remember(found)
    except OSError as error:
        log(f"warning: the figures are not kept for later estimates ({error.strerror})")
    if as_json:
        typer.echo(json.dumps({"speeds": [each.to_dict() for each in found], "default": why}, indent=2))
        return
    from rich.console import Console

    Console(highlight=False).print(benchmark_report(found, why))
