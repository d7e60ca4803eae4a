"""``conviqt weights``: what models there are, whether they are whole, and how to bring in published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli.console import log
from conviqt_cli.errors import ConviqtError, UsageError

weights_app = typer.Typer(help="List, show, verify and import weight bundles.", no_args_is_help=True)

BundleName = Annotated[
    str | None, typer.Argument(metavar="BUNDLE", help="A name or a folder (default: the bundled one).")
]


@weights_app.command("list")
def list_() -> None:
    """Name the bundles that are installed."""
    from conviqt_cli.model.bundle import list_bundles

    for bundle in list_bundles():
        state = "provisional" if bundle.provisional else "ready"
        typer.echo(f"{bundle.id}\t{state}\tencoder {bundle.encoder_id}\t{bundle.folder}")


@weights_app.command()
def show(bundle: BundleName = None) -> None:
    """Print a bundle's manifest as JSON, with its encoder's identity, its checksum and what its diagnosis can name."""
    from conviqt_cli.model.bundle import open_bundle

    opened = open_bundle(bundle)
    head = opened.diagnosis()
    facts = {
        "encoder_id": opened.encoder_id,
        "manifest_sha256": opened.checksum,
        "folder": str(opened.folder),
        "diagnosis": None if head is None else {"families": list(head.families), "card": head.card},
    }
    typer.echo(json.dumps({**opened.manifest, **facts}, indent=2))


@weights_app.command()
def verify(bundle: BundleName = None) -> None:
    """Check every file of a bundle against its checksum; exit code 1 when one is damaged."""
    from conviqt_cli.model.bundle import open_bundle

    opened = open_bundle(bundle)
    problems = opened.verify()
    for problem in problems:
        typer.echo(f"{opened.folder}: {problem}")
    if problems:
        raise ConviqtError(f"{opened.folder}: {len(problems)} of its files are damaged; install the bundle again")
    typer.echo(f"{opened.id}: all {len(opened.manifest['files'])} files are whole")


@weights_app.command("import")
def import_(
    spatial: Annotated[Path, typer.Option(help="CONTRIQUE_checkpoint25.tar or alike.", metavar="FILE")],
    temporal: Annotated[Path, typer.Option(help="CONVIQT_checkpoint10.tar or alike.", metavar="FILE")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.", metavar="DIR")],
    regressor: Annotated[
        Path | None, typer.Option(help="Pickled scikit-learn Ridge (.save), .npz or conviqt regressor.", metavar="FILE")
    ] = None,
    scale: Annotated[
        str | None, typer.Option(help="Ends of the regressor's scale, e.g. 0:100 or 1:5.", metavar="LOW:HIGH")
    ] = None,
    higher_is_worse: Annotated[bool, typer.Option("--higher-is-worse", help="The regressor predicts DMOS.")] = False,
) -> None:
    """Turn the published CONVIQT files into a bundle for --weights. Nothing in them is executed."""
    from conviqt_cli.model.importing import import_published
    from conviqt_cli.quality.scale import ACR, Scale

    declared = None
    if scale is not None:
        try:
            low, high = (float(part) for part in scale.split(":"))
        except ValueError:
            raise UsageError(f"--scale {scale}: give the two ends, for example 0:100") from None
        if not low < high:
            raise UsageError(f"--scale {scale}: the first end must be the lower one")
        acr = (low, high, higher_is_worse) == (1.0, 5.0, False)
        declared = ACR if acr else Scale("imported", low, high, not higher_is_worse)
    elif higher_is_worse:
        declared = Scale("the imported regressor's own scale", None, None, False)
    bundle = import_published(spatial, temporal, output, regressor, declared)
    log(f"{output}: encoder {bundle.encoder_id}")
    log(f"use it with --weights {output}" + ("" if regressor else " and a --regressor of your own"))
