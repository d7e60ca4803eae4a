"""How far scores in other arithmetic are from those in float32: what ``auto`` goes by when it chooses a precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import InputError, UsageError
from conviqt_cli.metrics.correlation import srocc
from conviqt_cli.model.backends import open_encoder
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.plans.picture_plan import PicturePlan
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.training.heads.assembly import note_accuracy

#: Precisions that are measured on each plan's own backend.
PRECISIONS = ("bf16", "int8", "int8_7bit")

#: Fewer videos than this give no rank correlation worth the name.
FEWEST = 10


@dataclass(frozen=True)
class Accuracy:
    """Pooled scores in one precision against float32: over ``videos``, in scale units where not a correlation."""

    largest_difference: float
    mean_difference: float
    srocc: float
    videos: int


def measure_accuracy(
    bundle: Path,
    videos: Sequence[Path],
    picture: PicturePlan,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> dict[str, Accuracy]:
    """Score ``videos`` on this CPU in every precision it computes, and note the result in the bundle's manifest.

    ``int8_7bit`` is what CPUs without instructions for 8-bit products compute. Raises :class:`InputError` for fewer
    than :data:`FEWEST` videos.
    """
    if len(videos) < FEWEST:
        raise InputError(f"{len(videos)} videos: the accuracy of a precision is measured on at least {FEWEST}")
    scores: dict[str, list[float]] = {}
    for precision in ("fp32", *PRECISIONS):
        try:
            scorer = _scorer(bundle, precision, picture)
        except UsageError:  # this CPU does not compute it
            continue
        scores[precision] = []
        for done, video in enumerate(videos):
            progress(done, len(videos), precision)
            scores[precision].append(scorer.score(video).quality)
    found = compare({name: np.array(values) for name, values in scores.items()})
    note_accuracy(bundle, picture, {name: asdict(each) for name, each in found.items()})
    return found


def compare(scores: Mapping[str, Floats]) -> dict[str, Accuracy]:
    """Each precision's ``scores`` of the same videos against those of ``fp32``."""
    reference = scores["fp32"]
    return {
        name: Accuracy(
            round(float(np.abs(values - reference).max()), 4),
            round(float(np.abs(values - reference).mean()), 4),
            round(srocc(values, reference), 4),
            len(values),
        )
        for name, values in scores.items()
        if name != "fp32"
    }


def _scorer(bundle: Path, precision: str, picture: PicturePlan) -> Scorer:
    opened = open_bundle(bundle)
    kind, _, bits = precision.partition("_")
    encoder = open_encoder(
        opened, "cpu", kind, backend="torch" if picture.whole and kind != "int8" else "openvino",
        picture=picture.name, weight_bits=7 if bits else 8,
    )  # fmt: skip
    return Scorer(opened, encoder, ScoringSettings(weights=bundle, picture=picture))
