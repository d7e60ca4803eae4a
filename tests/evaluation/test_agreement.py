"""Evaluation: confidence that behaves, a test that finds real differences and no others, scales that do not mix."""

import numpy as np
import pytest

from conviqt_cli.evaluation.agreement import Bootstrap, evaluate_set
from conviqt_cli.evaluation.predictions import Predictions
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.bootstrap import RESAMPLED, resample
from conviqt_cli.quality.scale import ACR, Scale

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.uniform(1, 5, size=120)
DATA = Dataset.of_vectors(np.zeros((120, 1)), TRUTH, np.arange(120) // 2)
GOOD, POOR = (TRUTH + noise * RANDOM.normal(size=120) for noise in (0.3, 1.5))


def test_draws_do_not_depend_on_workers_and_longer_runs_extend_shorter_ones():
    one, two = (resample([GOOD], DATA.mos, DATA.folding_groups(), draws=100, jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(one[:, :50], resample([GOOD], DATA.mos, DATA.folding_groups(), draws=50, jobs=1))


def test_contents_are_drawn_whole():
    # Two copies of every video must not make anything surer.
    once = Dataset.of_vectors(np.zeros((60, 1)), TRUTH[:60])
    twice = Dataset.of_vectors(np.zeros((120, 1)), np.repeat(TRUTH[:60], 2), np.repeat(np.arange(60), 2))
    k = RESAMPLED.index("srocc")
    spread = [
        resample([x], d.mos, d.folding_groups(), 150, jobs=1)[0, :, k].std()
        for x, d in ((GOOD[:60], once), (np.repeat(GOOD[:60], 2), twice))
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.25)


def test_a_better_model_is_found_and_an_equal_one_is_not():
    good, poor = Predictions("good", GOOD, ACR), Predictions("poor", POOR, ACR)
    found = evaluate_set("set", DATA, ACR, [good], poor, Bootstrap(draws=60, jobs=1))
    (comparison,) = found.comparisons
    assert comparison.differences["srocc"].significant
    assert comparison.differences["srocc"].difference > 0 > comparison.differences["rmse"].difference
    for model in found.models:
        sure = model.confidence["srocc"]
        assert sure.low < model.agreement.srocc < sure.high
    alike = [Predictions(name, TRUTH + 0.5 * RANDOM.normal(size=120), ACR) for name in ("a", "b")]
    (same,) = evaluate_set("set", DATA, ACR, alike[:1], alike[1], Bootstrap(draws=60, jobs=1)).comparisons
    assert not same.differences["srocc"].significant


def test_a_scale_that_runs_the_other_way_is_turned_round():
    dmos = Scale("DMOS", 0.0, 100.0, higher_is_better=False)
    model = evaluate_set("set", DATA, ACR, [Predictions("d", 100 - 20 * GOOD, dmos)], None, Bootstrap(draws=0)).models[
        0
    ]
    assert model.agreement.srocc > 0.9
    assert np.isnan(model.agreement.rmse)
    assert "not on the scale" in model.notes[0]
    assert model.to_dict()["agreement"]["rmse"] is None
