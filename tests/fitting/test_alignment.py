"""Score maps: truth found again through a shrunken, noisy model, and refused where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.fitting.alignment import STEEPEST, ScoreMap, align, apply, nominal
from conviqt_cli.fitting.weighted_ridge import WeightedRidge


def _world(contents: int, seed: int = 0):
    """Two sets of one truth; the second squeezes the scale and sits higher, as a kind panel does."""
    rng = np.random.default_rng(seed)
    count = 4 * contents
    vectors = rng.standard_normal((2 * count, 12))
    truth = 3 + 0.6 * vectors[:, 0] + 0.5 * vectors[:, 1] + rng.normal(0, 0.25, 2 * count)
    sets = np.repeat(["anchor", "kind"], count)
    content = np.array([f"{name}{i // 4}" for name, i in zip(sets, np.tile(np.arange(count), 2), strict=True)])
    scores = np.where(sets == "kind", 2.2 + 0.6 * truth, truth)

    def predict(labels, left_out):
        seen = sets != left_out
        products = vectors @ vectors[seen].T
        ridge = WeightedRidge.of(products[seen], np.ones(seen.sum()), 0.05)  # a penalty that shrinks by a third
        return ridge.operator(products) @ labels[seen]

    return scores, truth, sets, content, predict


def test_alignment_undoes_another_use_of_the_scale():
    scores, truth, sets, content, predict = _world(60)
    maps = align(scores, sets, content, ["anchor"], predict)
    assert maps["anchor"] == ScoreMap(1.0, 0.0, maps["anchor"].agreement)
    assert maps["kind"].slope == pytest.approx(1 / 0.6, rel=0.2)
    before, after = (np.abs(each - truth)[sets == "kind"].mean() for each in (scores, apply(maps, scores, sets)))
    assert after < 0.3 * before


def test_few_contents_are_hardly_believed():
    slopes = [align(*_of(_world(contents)))["kind"].slope for contents in (1, 6, 60)]
    assert 1 < slopes[0] < slopes[1] < slopes[2]


def test_a_set_that_contradicts_the_model_keeps_its_nominal_scale():
    scores, _, sets, content, predict = _world(20)
    scores = np.where(sets == "kind", 6 - scores, scores)
    found = align(scores, sets, content, ["anchor"], predict)["kind"]
    assert (found.slope, found.offset) == (1.0, 0.0)
    assert found.agreement < 0


@pytest.mark.parametrize("squeeze", [1e-6, 0.0])
def test_slopes_stay_increasing_and_bounded(squeeze):
    scores, _, sets, content, predict = _world(60)
    scores = np.where(sets == "kind", 3 + squeeze * scores, scores)
    assert 1 / STEEPEST <= align(scores, sets, content, ["anchor"], predict)["kind"].slope <= STEEPEST


def test_without_an_anchor_there_is_no_scale():
    scores, _, sets, content, predict = _world(2)
    with pytest.raises(ValueError, match="anchor"):
        align(scores, sets, content, [], predict)


def test_nominal_scale():
    assert nominal(np.array([0.0, 55.0, 110.0]), 0, 110, higher_is_better=False).tolist() == [5.0, 3.0, 1.0]
    with pytest.raises(ValueError, match="no length"):
        nominal(np.array([1.0]), 5, 5, True)


def test_weighted_ridge_is_ridge():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(1)
    vectors, labels, weights = rng.standard_normal((30, 50)), rng.standard_normal(30), rng.uniform(0.5, 3, 30)
    ours = WeightedRidge.of(vectors @ vectors.T, weights, 0.3)
    centred = vectors - np.average(vectors, axis=0, weights=weights)
    alpha = 0.3 * float(weights @ (centred**2).sum(axis=1)) / weights.sum()
    theirs = Ridge(alpha=alpha).fit(vectors, labels, sample_weight=weights)
    coef, intercept = ours.coefficients(vectors, labels)
    np.testing.assert_allclose(coef, theirs.coef_, atol=1e-9)
    other = rng.standard_normal((5, 50))
    expected = theirs.predict(other)
    np.testing.assert_allclose(other @ coef + intercept, expected, atol=1e-9)
    np.testing.assert_allclose(ours.predict(other @ vectors.T, labels), expected, atol=1e-9)
    np.testing.assert_allclose(ours.operator(other @ vectors.T) @ labels, expected, atol=1e-9)


def _of(world):
    scores, _, sets, content, predict = world
    return scores, sets, content, ["anchor"], predict
