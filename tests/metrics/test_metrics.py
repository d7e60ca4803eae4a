"""Figures against scipy and scikit-learn to 1e-9, and against their definitions where those have none."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_squared_error

from conviqt_cli.metrics.agreement import agreement
from conviqt_cli.metrics.correlation import krocc, plcc, srocc
from conviqt_cli.metrics.error import confidence_95, epsilon_rmse, outlier_ratio, rmse


def cases():
    random = np.random.default_rng(0)
    for count in (2, 3, 10, 400):
        x = random.normal(size=count)
        yield x, x + random.normal(size=count)
        yield np.round(x, 1), np.round(x + random.normal(size=count), 0)  # ties
        yield 1e-3 * x + 1e3, -1e9 * x
    yield np.arange(5.0), np.arange(5.0)[::-1]


@pytest.mark.parametrize(("x", "y"), list(cases()))
def test_correlations_agree_with_scipy(x, y):
    for mine, theirs in ((srocc, stats.spearmanr), (krocc, stats.kendalltau), (plcc, stats.pearsonr)):
        if np.ptp(x) and np.ptp(y):
            assert mine(x, y) == pytest.approx(theirs(x, y).statistic, abs=1e-9)
    assert rmse(x, y) == pytest.approx(np.sqrt(mean_squared_error(y, x)), rel=1e-9)


def test_what_is_undefined_is_nan():
    for metric in (srocc, krocc, plcc):
        assert np.isnan(metric(np.ones(5), np.arange(5.0)))
        assert np.isnan(metric(np.arange(5.0), np.ones(5)))
        assert np.isnan(metric(np.ones(1), np.ones(1)))
        with pytest.raises(ValueError, match="one length"):
            metric(np.ones(3), np.ones(4))


def test_extreme_units_do_not_overflow():
    x = np.array([1.0, 2.0, 3.0, 5.0])
    assert plcc(x * 1e-200, x * 1e200) == pytest.approx(1.0, abs=1e-9)


def test_outliers_and_forgiven_error_follow_p1401():
    std, ratings = np.array([1.0, 0.5, 2.0, 1.0]), np.array([25.0, 16.0, 4.0, 1.0])
    ci = confidence_95(std, ratings)
    for i in range(3):
        low, high = stats.t.interval(0.95, ratings[i] - 1, loc=0, scale=std[i] / np.sqrt(ratings[i]))
        assert ci[i] == pytest.approx(high, rel=1e-9) == pytest.approx(-low, rel=1e-9)
    assert np.isnan(ci[3])  # one rating has no spread
    actual = np.array([3.0, 3.0, 3.0, 3.0])
    predicted = actual + np.array([0.5, 0.1, 1.0, 9.0])
    # Errors beyond the interval: 0.5 - 0.4128 for the first, none for the others that are known.
    assert outlier_ratio(predicted, actual, ci) == pytest.approx(1 / 3)
    assert epsilon_rmse(predicted, actual, ci) == pytest.approx((0.5 - ci[0]) / np.sqrt(3), rel=1e-9)
    assert epsilon_rmse(predicted, actual, ci, degrees=2) == pytest.approx(0.5 - ci[0], rel=1e-9)
    assert np.isnan(epsilon_rmse(predicted, actual, ci, degrees=4))


def test_agreement_says_which_rule_it_used_and_what_it_cannot_tell():
    random = np.random.default_rng(1)
    x = random.normal(size=30)
    y = x + 0.1 * random.normal(size=30)
    std, ratings = np.full(30, 0.3), np.full(30, 20.0)
    assert "P.1401" in agreement(x, y, std, ratings).outlier_rule
    without = agreement(x, y, std, np.full(30, np.nan))
    assert "two standard deviations" in without.outlier_rule
    assert without.to_dict()["epsilon_rmse"] is None
    few = agreement(x[:5], y[:5])
    assert np.isnan(few.plcc_mapped)
    assert few.srocc == pytest.approx(stats.spearmanr(x[:5], y[:5]).statistic, abs=1e-9)
