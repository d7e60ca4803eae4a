"""``conviqt weights``: list, show and verify weight bundles, and import published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.examples import examples
from conviqt_cli.errors import ConviqtError, UsageError

weights_app = typer.Typer(help="List, show, verify and import weight bundles.", no_args_is_help=True)


@weights_app.command(
    "list",
    epilog=examples(
        "weights list",
        "weights list | cut -f 1",
    ),
)
def list_() -> None:
    """List the installed bundles."""
    from conviqt_cli.model.bundle import list_bundles

    for bundle in list_bundles():
        state = "provisional" if bundle.provisional else "ready"
        typer.echo(f"{bundle.id}\t{state}\tencoder {bundle.encoder_id}\t{bundle.folder}")


@weights_app.command(
    epilog=examples(
        "weights show",
        "weights show ./my-bundle",
    )
)
def show(bundle: options.BundleName = None) -> None:
    """Print a bundle's manifest as JSON, with its encoder's id, its checksum and the distortions that it names."""
    from conviqt_cli.model.bundle import open_bundle

    opened = open_bundle(bundle)
    head = opened.diagnosis(next(iter(opened.picture_plans)))
    facts = {
        "encoder_id": opened.encoder_id,
        "manifest_sha256": opened.checksum,
        "folder": str(opened.folder),
        "diagnosis": None if head is None else {"families": list(head.families), "card": head.card},
    }
    typer.echo(json.dumps({**opened.manifest, **facts}, indent=2))


@weights_app.command(
    epilog=examples(
        "weights verify",
        "weights verify ./my-bundle",
    )
)
def verify(bundle: options.BundleName = None) -> None:
    """Verify every file of a bundle against its checksum. The exit code is 1 if any is damaged."""
    from conviqt_cli.model.bundle import open_bundle

    opened = open_bundle(bundle)
    problems = opened.verify()
    for problem in problems:
        typer.echo(f"{opened.folder}: {problem}")
    if problems:
        raise ConviqtError(f"{opened.folder}: {len(problems)} damaged files; install the bundle again")
    typer.echo(f"{opened.id}: all {len(opened.manifest['files'])} files verified")


@weights_app.command(
    "import",
    epilog=examples(
        "weights import --spatial CONTRIQUE_checkpoint25.tar --temporal CONVIQT_checkpoint10.tar -o conviqt-published",
        "weights import --spatial s.tar --temporal t.tar --regressor live.save --scale 0:100 --higher-is-worse -o live",
    ),
)
def import_(
    spatial: Annotated[
        Path, typer.Option(help="Spatial checkpoint, such as CONTRIQUE_checkpoint25.tar.", metavar="FILE")
    ],
    temporal: Annotated[
        Path, typer.Option(help="Temporal checkpoint, such as CONVIQT_checkpoint10.tar.", metavar="FILE")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new bundle.", metavar="DIR")],
    regressor: Annotated[
        Path | None,
        typer.Option(help="Regressor: a pickled scikit-learn Ridge (.save), .npz or conviqt's own.", metavar="FILE"),
    ] = None,
    scale: Annotated[
        str | None, typer.Option(help="Range of the regressor's scale, such as 0:100 or 1:5.", metavar="LOW:HIGH")
    ] = None,
    higher_is_worse: Annotated[
        bool, typer.Option("--higher-is-worse", help="The regressor predicts impairment (DMOS).")
    ] = False,
) -> None:
    """Import the published CONVIQT checkpoints as a bundle. Nothing in the files is executed."""
    from conviqt_cli.model.importing import import_published
    from conviqt_cli.quality.scale import ACR, Scale

    declared = None
    if scale is not None:
        try:
            low, high = (float(part) for part in scale.split(":"))
        except ValueError:
            raise UsageError(f"--scale {scale}: give both ends of the scale, for example 0:100") from None
        if not low < high:
            raise UsageError(f"--scale {scale}: give the lower end first")
        acr = (low, high, higher_is_worse) == (1.0, 5.0, False)
        declared = ACR if acr else Scale("imported", low, high, not higher_is_worse)
    elif higher_is_worse:
        declared = Scale("the imported regressor's own scale", None, None, False)
    bundle = import_published(spatial, temporal, output, regressor, declared)
    log(f"{output}: encoder {bundle.encoder_id}")
    log(f"use it with --weights {output}" + ("" if regressor else " and your own --regressor"))
