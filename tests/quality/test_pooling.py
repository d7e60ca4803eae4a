"""Pooling against scipy and numpy, and what every pooling must obey."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hmean

from conviqt_cli.errors import UsageError
from conviqt_cli.quality.pooling import HYSTERESIS_ALPHA, POOLINGS, check_pooling, pool

QUALITY = np.random.default_rng(3).uniform(1, 5, 40)
TIME = np.arange(40) * 0.64


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mean", np.mean(QUALITY)), ("median", np.median(QUALITY)), ("harmonic", hmean(QUALITY)), ("min", QUALITY.min())]
    + [(f"p{percent}", np.percentile(QUALITY, percent)) for percent in (5, 10, 20)],
)
def test_golden(name, expected):
    assert pool(name, QUALITY, TIME) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", POOLINGS)
def test_every_pooling_is_between_worst_and_best_and_one_clip_is_that_clip(name):
    assert QUALITY.min() <= pool(name, QUALITY, TIME) <= QUALITY.max()
    assert pool(name, np.array([3.3]), np.array([7.0])) == pytest.approx(3.3, abs=1e-12)
    assert pool(name, np.full(9, 2.5), TIME[:9]) == pytest.approx(2.5, abs=1e-12)


@pytest.mark.parametrize("name", POOLINGS)
def test_a_worse_segment_never_pools_higher(name):
    for index in (0, 17, 39):
        worse = QUALITY.copy()
        worse[index] -= 0.9
        if name != "harmonic" or worse.min() > 0:
            assert pool(name, worse, TIME) <= pool(name, QUALITY, TIME) + 1e-12


def test_hysteresis_by_hand():
    # Two segments inside the memory of 2 s. First: nothing to remember but itself; ahead lie both, worst first.
    weight = np.exp(-0.5 * np.array([0.0, 1.0]) ** 2)
    current = (weight[0] * 2 + weight[1] * 4) / weight.sum()
    first = HYSTERESIS_ALPHA * current + (1 - HYSTERESIS_ALPHA) * 4
    second = HYSTERESIS_ALPHA * 2 + (1 - HYSTERESIS_ALPHA) * 4
    assert pool("hysteresis", np.array([4.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx((first + second) / 2)


def test_a_drop_weighs_more_than_its_share():
    dip = np.full(20, 4.0)
    dip[10] = 1.0
    assert pool("hysteresis", dip, np.arange(20.0)) < pool("mean", dip, np.arange(20.0))


def test_refusals():
    with pytest.raises(UsageError, match="choose one of"):
        check_pooling("average")
    with pytest.raises(UsageError, match="positive"):
        pool("harmonic", np.array([0.0, 3.0]), TIME[:2])
