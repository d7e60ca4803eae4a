"""The four-parameter logistic: found when it is there, never worse than others find, sound on what breaks others."""

import warnings

import numpy as np
import pytest
from scipy.optimize import OptimizeWarning, curve_fit

from conviqt_cli.metrics.logistic import Logistic, fit_logistic


def curve(x, b1, b2, b3, b4):
    return b2 + (b1 - b2) / (1 + np.exp(-(x - b3) / np.abs(b4)))


@pytest.mark.parametrize("truth", [(5.0, 1.0, 50.0, 10.0), (1.0, 5.0, 50.0, 10.0), (95.0, 3.0, -2e-6, 4e-7)])
def test_a_noiseless_logistic_is_recovered(truth):
    x = truth[2] + truth[3] * np.linspace(-4, 4, 60)
    found = fit_logistic(x, curve(x, *truth))
    assert np.allclose([found.b1, found.b2, found.b3, found.b4], truth, rtol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_never_worse_than_the_usual_fit(seed):
    random = np.random.default_rng(seed)
    x = random.normal(3, 0.7, size=80)
    y = curve(x, 4.5, 1.5, 3.0, 0.4) * random.choice([1, -1]) + random.normal(0, 0.3, size=80)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        usual, _ = curve_fit(curve, x, y, p0=[y.max(), y.min(), x.mean(), 0.5], maxfev=100_000)
    squares = ((fit_logistic(x, y)(x) - y) ** 2).sum()
    assert squares <= ((curve(x, *usual) - y) ** 2).sum() * (1 + 1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_units_do_not_matter(scale):
    random = np.random.default_rng(3)
    x, y = random.normal(size=50), random.normal(size=50)
    y += np.tanh(x)
    assert np.allclose(fit_logistic(x * scale, y * scale)(x * scale), scale * fit_logistic(x, y)(x), rtol=1e-4)


def test_straight_lines_and_steps_are_met():
    x = np.linspace(0, 10, 40)
    assert np.abs(fit_logistic(x, 2 * x + 1)(x) - (2 * x + 1)).max() < 0.01
    assert np.abs(fit_logistic(x, -x)(x) + x).max() < 0.01
    step = np.where(x > 5, 4.0, 1.0)
    assert np.abs(fit_logistic(x, step)(x) - step).max() < 0.01


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.full(20, 3.0), np.arange(20.0)),
        (np.arange(20.0), np.full(20, 3.0)),
        (np.array([2.0]), np.array([4.0])),
    ],
)
def test_constant_and_single_inputs_give_the_mean(x, y):
    assert np.allclose(fit_logistic(x, y)(x), y.mean())


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_few_monotone_points_are_met(count, sign):
    x = np.arange(count) ** 1.5
    y = sign * np.arange(count, dtype=float)
    assert np.abs(fit_logistic(x, y)(x) - y).max() < 0.2


def test_nothing_and_nan_are_errors():
    for x, y in ((np.array([]), np.array([])), (np.array([1.0, np.nan]), np.ones(2)), (np.ones(2), np.ones(3))):
        with pytest.raises(ValueError, match="finite scores"):
            fit_logistic(x, y)


def test_far_scores_do_not_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Logistic(5.0, 1.0, 0.0, 1e-3)(np.array([-1e9, 1e9])).tolist() == [1.0, 5.0]
