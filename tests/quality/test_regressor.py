"""Regressor files: both kinds come back exactly, agree with scikit-learn, and nothing else is let in."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.svm import SVR

from conviqt_cli.errors import RegressorError
from conviqt_cli.quality.intervals import Intervals
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.regressor import FORMAT, LinearRegressor, SvrRegressor, check_belongs, load_regressor
from conviqt_cli.quality.scale import ACR

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.random((80, 30)) * np.geomspace(1e-3, 1e3, 30)


def linear():
    return LinearRegressor(RANDOM.normal(size=30), 2.5, ACR, "encoder-a", {"labels": 80})


def support():
    offset, factor = VECTORS.min(axis=0), 1 / np.ptp(VECTORS, axis=0)
    scaled = (VECTORS - offset) * factor
    fitted = SVR(C=8.0, gamma=0.2, epsilon=0.05).fit(scaled, scaled[:, 0] * 3 + np.sin(5 * scaled[:, 1]))
    intercept = float(fitted.intercept_[0])
    regressor = SvrRegressor(
        fitted.support_vectors_, fitted.dual_coef_[0], intercept, 0.2, offset, factor, ACR, "encoder-a"
    )
    return regressor, fitted, scaled


def test_svr_predicts_as_scikit_learn_does():
    regressor, fitted, scaled = support()
    assert np.abs(regressor.predict(VECTORS) - fitted.predict(scaled)).max() < 1e-9


@pytest.mark.parametrize("make", [linear, lambda: support()[0]])
def test_a_file_brings_everything_back(make, tmp_path):
    residuals = np.arange(30.0)
    trust = Intervals.calibrate(residuals, np.arange(30), residuals * 0, residuals * 0, np.arange(30))
    regressor = replace(make(), intervals=trust, novelty=Novelty.fit(VECTORS, np.arange(80)))
    regressor.save(tmp_path / "r")
    found = load_regressor(tmp_path / "r")
    assert type(found) is type(regressor)
    assert np.array_equal(found.predict(VECTORS), regressor.predict(VECTORS))
    assert found.intervals.half_width(0.9) == trust.half_width(0.9)
    assert found.novelty.score(VECTORS[0]) == regressor.novelty.score(VECTORS[0])
    assert (found.scale, found.encoder_id, found.card) == (regressor.scale, regressor.encoder_id, regressor.card)


def test_a_file_without_intervals_and_novelty_is_read(tmp_path):
    linear().save(tmp_path / "r")
    found = load_regressor(tmp_path / "r")
    assert found.intervals is None
    assert found.novelty is None


class Bomb:
    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('exploded').touch()",))


def test_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RegressorError, match="not a regressor file, or damaged"):
        load_regressor(tmp_path / "r")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("kept", [0, 7, 200, -1])
def test_a_truncated_file_is_refused(kept, tmp_path):
    linear().save(tmp_path / "r")
    data = (tmp_path / "r").read_bytes()
    (tmp_path / "r").write_bytes(data[:kept])
    with pytest.raises(RegressorError, match="not a regressor file, or damaged"):
        load_regressor(tmp_path / "r")


def header(kind="linear"):
    return {"kind": kind, "encoder_id": "e", "scale": ACR.to_dict(), "card": {}}


@pytest.mark.parametrize(
    ("tensors", "head", "message"),
    [
        ({"coef": np.array([1.0, np.nan]), "intercept": np.zeros(1)}, header(), "not finite"),
        ({"coef": np.zeros(2)}, header(), "damaged"),
        ({"coef": np.zeros(2), "intercept": np.zeros(1)}, header("forest"), "cannot read"),
        ({"coef": np.zeros(2), "intercept": np.zeros(1)}, {"kind": "linear"}, "damaged"),
        (
            {
                "support": np.zeros((3, 2)),
                "dual": np.zeros(2),
                "offset": np.zeros(2),
                "factor": np.ones(2),
                "intercept": np.zeros(1),
                "gamma": np.ones(1),
            },
            header("svr"),
            "of different sizes",
        ),
    ],
)
def test_tensors_that_make_no_regressor_are_refused(tensors, head, message, tmp_path):
    save_file(tensors, tmp_path / "r", metadata={"format": FORMAT, "header": json.dumps(head)})
    with pytest.raises(RegressorError, match=message):
        load_regressor(tmp_path / "r")


def test_other_safetensors_are_refused(tmp_path):
    save_file({"coef": np.zeros(2)}, tmp_path / "r")
    with pytest.raises(RegressorError, match="not a conviqt regressor"):
        load_regressor(tmp_path / "r")


def test_the_wrong_encoder_and_the_wrong_width_are_clear():
    regressor, *_ = support()
    with pytest.raises(RegressorError, match="fitted on encoder encoder-a, but the weights in use are encoder b"):
        check_belongs(regressor, "b", "r")
    for each in (regressor, linear()):
        with pytest.raises(RegressorError, match="expects vectors of 30 values"):
            each.predict(np.zeros((2, 31)))
        with pytest.raises(RegressorError, match="not finite"):
            each.predict(np.full((1, 30), np.nan))
