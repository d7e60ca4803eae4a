"""``conviqt evaluate``: how well a model agrees with opinion scores."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from conviqt_cli.cli import labelled, options
from conviqt_cli.cli.console import log
from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole

if TYPE_CHECKING:
    from conviqt_cli.evaluation.judging import Predictions
    from conviqt_cli.labels.dataset import Dataset
    from conviqt_cli.labels.reading import Labels
    from conviqt_cli.quality.regressor import Regressor

SCHEMA = "conviqt-evaluation/1"


def evaluate(
    labels: Annotated[list[Path], typer.Argument(metavar="LABELS...", help="Tables of opinion scores, one per set.")],
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos", metavar="DIR", help="Folder of the videos: one for all sets, or one per set, in order."
        ),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(
            "--features", metavar="FILE.npz", help="Vectors instead of videos: one file for all sets, or one per set."
        ),
    ] = None,
    regressor: Annotated[
        list[Path] | None,
        typer.Option("--regressor", metavar="FILE", help="Regressor to evaluate (default: the bundle's; repeatable)."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Evaluate these scores, written by `conviqt score -o`."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="MODEL",
            help="Test whether results differ from this regressor, bundle or file of scores.",
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="The literature's protocol: refit on each set, test on held-out contents."),
    ] = False,
    estimator: Annotated[
        str, typer.Option("--estimator", metavar="ridge|svr", help="Kind of regressor that --refit fits.")
    ] = "ridge",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Also write all results to this file.")
    ] = None,
    as_json: labelled.Json = False,
    draws: Annotated[
        int, typer.Option("--draws", min=0, max=100_000, help="Bootstrap draws; 0 for no confidence intervals.")
    ] = 1000,
    repeats: labelled.Repeats = 100,
    seed: labelled.Seed = 0,
    jobs: labelled.Jobs = -1,
    video_col: labelled.VideoCol = None,
    mos_col: labelled.MosCol = None,
    group_col: labelled.GroupCol = None,
    std_col: labelled.StdCol = None,
    ratings_col: labelled.RatingsCol = None,
    dmos: labelled.Dmos = None,
    scale: labelled.ScaleRange = None,
    missing: labelled.Missing = None,
    layout: labelled.LayoutName = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    sampling: options.Sampling = "sparse",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    cache: labelled.Cache = None,
    quiet: options.Quiet = False,
) -> None:
    """Evaluate a model on labelled sets: agreement with confidence intervals, coverage, comparison with another."""
    _check(labels, videos, features, regressor, scores, against, refit, output, jobs)
    from conviqt_cli.cli.progress_bar import steps
    from conviqt_cli.evaluation.judging import FEWEST_LABELS, judge
    from conviqt_cli.evaluation.judging import refit as refit_sets
    from conviqt_cli.fitting.registry import by_name
    from conviqt_cli.labels.reading import read_labels

    kind = by_name(estimator)
    how = labelled.reading(video_col, mos_col, group_col, std_col, ratings_col, dmos, scale, missing, layout)
    read = [read_labels(path, how) for path in labels]
    for found in read:
        labelled.show_labels(found, quiet)
        found.check(FEWEST_LABELS)

    def extraction(found: Labels, folder: Path, bundle: str | None) -> tuple[Dataset, str, dict[str, list[str]]]:
        return _extracted(found, folder, bundle, device, sampling, precision, threads, cache, quiet)

    encoder_id: str | None
    sets: dict[str, tuple[Dataset, Labels]] = {}
    asked: dict[str, list[Predictions]] = {}
    left_out: dict[str, dict[str, list[str]]] = {}
    for i, found in enumerate(read):
        name = _set_name(found, [*sets])
        folder = None if not videos else videos[min(i, len(videos) - 1)]
        if scores is not None:
            encoder_id = None
            data, predictions, unpaired = _from_scores(found, scores)
        else:
            if features:
                vectors = labelled.features_from_files([features[min(i, len(features) - 1)]])
                data, encoder_id, unpaired = _paired(found, vectors)
            else:
                data, encoder_id, unpaired = extraction(found, folder or Path(), weights)
            heads = {} if refit else _regressors(regressor, weights, encoder_id)
            predictions = _predictions(heads, data, found)
        data.check(FEWEST_LABELS)
        labelled.show_left_out(unpaired, quiet)
        left_out[name] = {**found.left_out, **unpaired}
        if against is not None:
            data, predictions = _with_rival(against, data, encoder_id, predictions, found, folder, extraction)
        sets[name], asked[name] = (data, found), predictions

    record: dict[str, Any] = {"schema": SCHEMA, "left_out": left_out}
    console = Console(highlight=False)
    with steps(quiet) as advance:
        if refit:
            outcome = refit_sets(
                kind,
                {name: (data, found.scale) for name, (data, found) in sets.items()},
                repeats,
                seed,
                jobs,
                partial(advance, "fitting anew"),
            )
            record["refit"] = outcome.to_dict()
        else:
            judged = [
                judge(
                    name,
                    data,
                    found.scale,
                    asked[name],
                    draws,
                    seed,
                    jobs,
                    partial(advance, f"resampling {name}"),
                )
                for name, (data, found) in sets.items()
            ]
            verdicts = [verdict for some, _ in judged for verdict in some]
            comparisons = [comparison for _, some in judged for comparison in some] if against else []
            record["verdicts"] = [each.to_dict() for each in verdicts]
            record["comparisons"] = [each.to_dict() for each in comparisons]
    if output is not None:
        write_text_whole(output, json.dumps(_finite(record), indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(_finite(record), indent=2))
        return
    from conviqt_cli.report.evaluation_report import comparisons_report, refit_report, verdicts_report

    if refit:
        published = {name: found.layout.published if found.layout else None for name, (_, found) in sets.items()}
        console.print(refit_report(outcome, published))
    else:
        console.print(verdicts_report(verdicts))
        if comparisons:
            console.print(comparisons_report(comparisons))


def _check(
    labels: list[Path],
    videos: list[Path] | None,
    features: list[Path] | None,
    regressor: list[Path] | None,
    scores: Path | None,
    against: str | None,
    refit: bool,
    output: Path | None,
    jobs: int,
) -> None:
    labelled.check_jobs(jobs)
    if sum(each is not None and each != [] for each in (videos, features, scores)) != 1:
        raise UsageError("give one of --videos DIR, --features FILE.npz, or --scores FILE")
    for option, given in (("--videos", videos), ("--features", features)):
        if given and len(given) not in (1, len(labels)):
            raise UsageError(f"{option}: give one for all sets or one each ({len(given)} given, {len(labels)} sets)")
    if scores is not None and (regressor or refit):
        raise UsageError("--scores are judged as they are; they take no --regressor and no --refit")
    if refit and (regressor or against):
        raise UsageError("--refit fits its own regressors; it takes no --regressor and no --against")
    if output is not None and (output.suffix.lower() != ".json" or not output.absolute().parent.is_dir()):
        raise UsageError(f"-o {output}: end the name in .json, in a folder that exists")


def _set_name(found: Labels, taken: list[str]) -> str:
    base = found.layout.title if found.layout else Path(found.source).stem
    if base == "labels":
        base = Path(found.source).absolute().parent.name
    name, again = base, 2
    while name in taken:
        name, again = f"{base} ({again})", again + 1
    return name


def _paired(found: Labels, vectors: Any) -> tuple[Dataset, str, dict[str, list[str]]]:
    from conviqt_cli.fitting.extraction import assemble

    data, unpaired = assemble(found, vectors)
    return data, vectors.encoder_id, unpaired


def _extracted(
    found: Labels,
    folder: Path,
    weights: str | None,
    device: str,
    sampling: str,
    precision: str,
    threads: int | None,
    cache: Path | None,
    quiet: bool,
) -> tuple[Dataset, str, dict[str, list[str]]]:
    vectors, failed, unlabelled = labelled.features_from_videos(
        found, folder, weights, device, sampling, precision, threads, cache, quiet
    )
    data, encoder_id, unpaired = _paired(found, vectors)
    if failed:
        unpaired["videos that could not be read"] = [f"{name}: {why}" for name, why in failed.items()]
    if unlabelled:
        unpaired["videos without a label"] = unlabelled
    return data, encoder_id, unpaired


def _regressors(files: list[Path] | None, weights: str | None, encoder_id: str) -> dict[str, Regressor]:
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.quality.regressor import check_belongs, load_regressor

    found: dict[str, Regressor] = {}
    if not files:
        bundle = open_bundle(weights)
        found[bundle.id] = bundle.regressor()
        check_belongs(found[bundle.id], encoder_id, f"the regressor of {bundle.id}")
    for file in files or []:
        found[str(file)] = load_regressor(file)
        check_belongs(found[str(file)], encoder_id, str(file))
    return found


def _predictions(heads: dict[str, Regressor], data: Dataset, found: Labels) -> list[Predictions]:
    from conviqt_cli.evaluation.judging import ask

    return [ask(name, head, data, found.scale) for name, head in heads.items()]


def _from_scores(found: Labels, path: Path) -> tuple[Dataset, list[Predictions], dict[str, list[str]]]:
    """A set without vectors: labels that have a score in ``path``."""
    import numpy as np

    from conviqt_cli.evaluation.given_scores import align, read_scores
    from conviqt_cli.evaluation.judging import Predictions
    from conviqt_cli.labels.dataset import Dataset

    scores = align(found, read_scores(path), str(path))
    names = [name for name in found.names if name in scores]
    used = found.take(names)
    data = Dataset.of_vectors(
        np.zeros((len(names), 1)),
        used.mos,
        np.array(used.groups),
        names=np.array(names),
        std=used.std,
        ratings=used.ratings,
    )
    values = np.array([scores[name] for name in names])
    missing = [name for name in found.names if name not in scores]
    return data, [Predictions(str(path), values, None)], {"labels without a score": missing} if missing else {}


def _with_rival(
    against: str,
    data: Dataset,
    encoder_id: str | None,
    predictions: list[Predictions],
    found: Labels,
    folder: Path | None,
    extraction: Any,
) -> tuple[Dataset, list[Predictions]]:
    """Add the rival's predictions last, on the videos that all models have."""
    import numpy as np

    from conviqt_cli.evaluation.given_scores import align, read_scores
    from conviqt_cli.evaluation.judging import Predictions, ask
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.quality.regressor import check_belongs, load_regressor

    path = Path(against)
    if path.is_file() and path.suffix.lower() in (".csv", ".txt", ".tsv"):
        scores = align(found, read_scores(path), against)
        names = [str(name) for name in data.names if str(name) in scores]
        rival = Predictions(against, np.array([scores[name] for name in names]), None)
    elif path.is_file():
        if encoder_id is None:
            raise UsageError(
                f"--against {against}: a regressor needs vectors; give --videos or --features, not --scores"
            )
        head = load_regressor(path)
        check_belongs(head, encoder_id, against)
        rival = ask(against, head, data, found.scale)
        names = [str(name) for name in data.names]
    else:
        bundle = open_bundle(against)
        if folder is None:
            raise UsageError(f"--against {against}: another bundle makes its own vectors, so it needs --videos")
        other, _, _ = extraction(found, folder, against)
        rival = ask(bundle.id, bundle.regressor(), other, found.scale)
        names = [str(name) for name in other.names if name in set(data.names.tolist())]
        position = {str(name): i for i, name in enumerate(other.names)}
        rival = _taken(rival, np.array([position[name] for name in names], dtype=np.intp))
    predictions = [each for each in predictions if each.model != rival.model]
    if not names:
        raise UsageError(f"--against {against}: it has no video in common with the model to judge")
    at = {str(name): i for i, name in enumerate(data.names)}
    common = np.array([at[name] for name in names], dtype=np.intp)
    if len(common) < len(data):
        log(f"compared on the {len(common)} of {len(data)} videos that {against} has too")
    return data.take(common), [*(_taken(each, common) for each in predictions), rival]


def _taken(predictions: Predictions, at: Any) -> Predictions:
    return replace(
        predictions,
        values=predictions.values[at],
        inside=None if predictions.inside is None else predictions.inside[at],
        novel=None if predictions.novel is None else predictions.novel[at],
    )


def _finite(value: Any) -> Any:
    """JSON has no NaN or infinity: both become ``null``."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value
