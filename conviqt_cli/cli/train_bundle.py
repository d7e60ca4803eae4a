"""``conviqt train assemble|labels|diagnosis|regressor``: what turns trained networks into a bundle that scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.progress_bar import steps
from conviqt_cli.errors import InputError

Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")]
Features = Annotated[
    list[Path], typer.Argument(metavar="FEATURES...", help="Folders written by `features`, of clips or squares.")
]
PictureFor = Annotated[str, typer.Option("--picture", metavar="crops|whole", help="The picture plan that it is for.")]


def assemble(
    bundle: Bundle,
    spatial: Annotated[Path, typer.Option("--spatial", metavar="FILE", help="spatial.safetensors of a finished run.")],
    temporal: Annotated[
        Path | None,
        typer.Option(
            "--temporal", metavar="FILE", help="temporal.safetensors of a finished run (default: an untrained GRU)."
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the bundle.")] = "conviqt-base",
    version: Annotated[str, typer.Option("--version", help="Version of the bundle.")] = "1",
    provenance: Annotated[
        Path | None,
        typer.Option("--provenance", metavar="FILE.json", help="JSON object that describes how it was trained."),
    ] = None,
) -> None:
    """Put trained networks into a bundle. Without --temporal it is only good for `features`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from conviqt_cli.training.heads.assembly import assemble_encoder, untrained_gru

    try:
        frames, clips = load_file(spatial), load_file(temporal) if temporal is not None else untrained_gru()
    except SafetensorError as error:
        raise InputError(f"{spatial}, {temporal}: not the weights of a finished run ({error})") from None
    told = json.loads(provenance.read_text(encoding="utf-8")) if provenance is not None else {}
    assemble_encoder(frames, clips, bundle, name=name, version=version, provenance=told, provisional=temporal is None)


def labels(
    corpus: Annotated[list[Path], typer.Argument(metavar="CORPUS...", help="Corpus folders, as written by `gather`.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Output folder for the encodes and labels.csv.")
    ],
    photographs: Annotated[int, typer.Option("--photographs", min=0, help="Number of photographs to encode.")] = 75,
    scenes: Annotated[int, typer.Option("--scenes", min=0, help="Number of video scenes to encode.")] = 21,
    fdim: Annotated[
        Path | None,
        typer.Option(
            "--fdim",
            metavar="WHEEL",
            exists=True,
            dir_okay=False,
            help="Wheel of the package fdim 0.2.1, to label with FDIM, too.",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Spoil pristine sources and label the results with VMAF and FDIM. Existing ones are kept."""
    from conviqt_cli.training.corpus.gathering import read_corpus
    from conviqt_cli.training.heads.labelled_encodes import choose_sources, label_encodes

    judge = None
    if fdim is not None:
        from conviqt_cli.training.heads.fdim import Fdim

        judge = Fdim(fdim)
    chosen = choose_sources(read_corpus(corpus), photographs, scenes)
    with steps(quiet) as progress:
        rows = label_encodes(
            chosen,
            output,
            lambda done, count, content: progress("labelling", done, count),
            judge,
        )
    if not quiet:
        log(f"{output}: {len(rows)} labelled encodes")


def diagnosis(
    bundle: Bundle,
    features: Features,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            "--held-out",
            metavar="FEATURES",
            help="Features of held-out contents, to calibrate on and to measure with (repeatable).",
        ),
    ] = None,
    picture: PictureFor = "whole",
    quiet: options.Quiet = False,
) -> None:
    """Fit the head that names distortions and add it to the bundle."""
    from conviqt_cli.plans.picture_plan import parse_picture
    from conviqt_cli.training.heads.diagnosis_stage import fit_diagnosis_stage

    say = (lambda step: None) if quiet else log
    figures = fit_diagnosis_stage(bundle, features, say, held_out=held_out or (), picture=parse_picture(picture))
    typer.echo(json.dumps(figures, indent=2))


def calibrate(
    bundle: Bundle,
    squares: Annotated[Path, typer.Argument(metavar="SQUARES", help="Folder of packed squares to measure ranges on.")],
    checks: Annotated[
        Path, typer.Option("--checks", metavar="VIDEO", help="Video whose middle squares become the self-check.")
    ],
) -> None:
    """Measure what 8-bit arithmetic needs and add it to the bundle, with pictures that any backend is checked on."""
    from conviqt_cli.training.heads.calibration_stage import calibrate as measure
    from conviqt_cli.training.heads.calibration_stage import check_pictures

    found = measure(bundle, squares, check_pictures(checks))
    log(f"{bundle}: ranges of {len(found.ranges)} convolutions, {len(found.pictures)} pictures to check with")


def accuracy(
    bundle: Bundle,
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="Videos to compare precisions on.")],
    picture: PictureFor = "crops",
    quiet: options.Quiet = False,
) -> None:
    """Measure how far scores in each precision are from fp32, which decides what --precision auto may choose."""
    from dataclasses import asdict

    from conviqt_cli.plans.picture_plan import parse_picture
    from conviqt_cli.training.heads.accuracy_stage import measure_accuracy

    with steps(quiet) as progress:
        found = measure_accuracy(
            bundle, videos, parse_picture(picture), lambda done, count, precision: progress(precision, done, count)
        )
    typer.echo(json.dumps({name: asdict(each) for name, each in found.items()}, indent=2))


def regressor(
    bundle: Bundle,
    mos: Annotated[
        Path, typer.Option("--mos", metavar="DIR", help="Folder of opinion score sets, each SET/labels.csv.")
    ],
    encodes: Annotated[Path, typer.Option("--encodes", metavar="DIR", help="Folder written by `labels`.")],
    work: Annotated[Path, typer.Option("--work", metavar="DIR", help="Folder to keep computed features in.")],
    about: Annotated[
        list[Path] | None,
        typer.Option(
            "--about", metavar="FILE.md", exists=True, dir_okay=False, help="Sections for the model card (repeatable)."
        ),
    ] = None,
    picture: PictureFor = "whole",
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    backend: options.Backend = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Fit the regressor on opinion scores and labels by a metric; add it and the model card to the bundle."""
    from conviqt_cli.model import open_encoder
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.plans.picture_plan import parse_picture
    from conviqt_cli.training.heads.assembly import write_card
    from conviqt_cli.training.heads.card import sections_of
    from conviqt_cli.training.heads.regressor_stage import fit_regressor_stage

    plan = parse_picture(picture)
    sections: dict[str, str] = {}
    for path in about or []:
        sections |= sections_of(path.read_text(encoding="utf-8"))
    encoder = open_encoder(open_bundle(bundle), device, precision, backend=backend, picture=plan.name)
    with steps(quiet) as progress:
        figures = fit_regressor_stage(
            bundle, mos, encodes, work, lambda done, count, item: progress("clip vectors", done, count),
            encoder=encoder, picture=plan,
        )  # fmt: skip
    write_card(bundle, figures, sections)
    typer.echo(json.dumps(figures.to_dict(), indent=2))


#: The commands of this module, each with two examples.
EXAMPLES: dict[Callable[..., None], tuple[str, str]] = {
    assemble: (
        "train assemble bundle/ --spatial run/spatial.safetensors",
        "train assemble bundle/ --spatial run/spatial.safetensors --temporal run_t/temporal.safetensors --version 2",
    ),
    labels: (
        "train labels corpus/ -o encodes/",
        "train labels corpus/ more/ -o encodes/ --photographs 20 --scenes 5",
    ),
    diagnosis: (
        "train diagnosis bundle/ features/ stills/ --held-out features_held_out/",
        "train diagnosis bundle/ features/ > figures.json",
    ),
    calibrate: (
        "train calibrate bundle/ squares/ --checks video.mp4",
        "train calibrate bundle/ more-squares/ --checks holiday.mov",
    ),
    accuracy: (
        "train accuracy bundle/ videos/*.mp4",
        "train accuracy bundle/ videos/*.mp4 --picture whole",
    ),
    regressor: (
        "train regressor bundle/ --mos mos/ --encodes encodes/ --work work/",
        "train regressor bundle/ --mos mos/ --encodes encodes/ --work work/ --about notes.md --device cuda",
    ),
}
