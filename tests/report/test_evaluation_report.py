"""What a terminal shows of an evaluation: a table a set, the difference tested, published figures beside refitted."""

import numpy as np
from rich.console import Console

from conviqt_cli.evaluation.agreement import Bootstrap, evaluate_set
from conviqt_cli.evaluation.predictions import Predictions
from conviqt_cli.evaluation.refit import refit
from conviqt_cli.evaluation.run import Evaluation
from conviqt_cli.fitting.ridge import Ridge
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.scale import ACR
from conviqt_cli.report.evaluation_report import evaluation_report

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(30, 4))
DATA = Dataset.of_vectors(VECTORS, 3 + VECTORS[:, 0], np.arange(30) // 3)


def shown(evaluation):
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(evaluation_report(evaluation))
    return capture.get()


def test_models_and_their_difference():
    good = Predictions("good", DATA.mos + 0.1 * RANDOM.normal(size=30), ACR, inside=np.arange(30) < 27)
    poor = Predictions("poor", RANDOM.normal(size=30), None)
    found = evaluate_set("one", DATA, ACR, [good], poor, Bootstrap(draws=40, jobs=1))
    text = shown(Evaluation({}, found.models, found.comparisons))
    assert "one: 30 videos" in text and "labels in 90 % interval" in text and "90.0 %" in text
    assert "poor: not on the scale of the labels" in text
    srocc = next(line for line in text.split("good minus poor")[1].splitlines() if line.startswith("SROCC"))
    assert srocc.rstrip().endswith(" significant") and "not significant" not in srocc


def test_refitting_stands_beside_what_was_published():
    outcome = refit(Ridge(), {"a": (DATA, ACR), "b": (DATA, ACR)}, repeats=3, jobs=1)
    text = shown(Evaluation({}, refit=outcome, published={"a": 0.851, "b": None}))
    row = next(line for line in text.splitlines() if line.startswith("a "))
    assert "0.851" in row and f"{outcome.figures['a']['srocc'].median:.3f}" in row
    assert "fitted on the row, tested on the column" in " ".join(text.split())
