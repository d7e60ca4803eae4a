"""Ridge and SVR: as scikit-learn fits them, choices made on the training side, results free of the worker count."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.svm import SVR

from conviqt_cli.errors import LabelError, UsageError
from conviqt_cli.fitting.estimator import predict, tune
from conviqt_cli.fitting.fit import FitSettings, fit
from conviqt_cli.fitting.registry import by_name
from conviqt_cli.fitting.ridge import Ridge, absolute_penalty
from conviqt_cli.fitting.svr import Svr
from conviqt_cli.fitting.validation import mean_coverage, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.scale import ACR


def made(videos=120, width=20, contents=None, clips=1, noise=0.3, seed=0):
    random = np.random.default_rng(seed)
    means = random.normal(size=(videos, width)) * np.geomspace(0.1, 10, width)
    mos = 3 + means[:, 0] * 4 + np.tanh(means[:, 1]) + noise * random.normal(size=videos)
    owner = np.repeat(np.arange(videos), clips)
    vectors = means[owner] + (0.05 * random.normal(size=(len(owner), width)) if clips > 1 else 0)
    groups = np.arange(videos) if contents is None else np.arange(videos) % contents
    unknown = np.full(videos, np.nan)
    names = np.array([f"v{i}.mp4" for i in range(videos)])
    return Dataset(names, mos, unknown, unknown, groups.astype(str), vectors, owner)


@pytest.mark.parametrize("width", [20, 300])  # primal and dual
@pytest.mark.parametrize("standardise", [False, True])
def test_ridge_is_scikit_learns(width, standardise):
    data = made(width=width)
    parameters = {"standardise": standardise, "penalty": 0.01}
    model = Ridge().fit(data, parameters)
    spread = data.means.std(axis=0) if standardise else 1.0
    theirs = SklearnRidge(alpha=absolute_penalty(data, parameters)).fit(data.means / spread, data.mos)
    assert np.abs(model.predict(data.means) - theirs.predict(data.means / spread)).max() < 1e-9


def test_svr_is_scikit_learns():
    data = made()
    model = Svr().fit(data, {"gamma": 0.25, "cost": 16.0})
    low, reach = data.means.min(axis=0), np.ptp(data.means, axis=0)
    scaled, level, spread = (data.means - low) / reach, data.mos.mean(), data.mos.std()
    theirs = SVR(C=16.0, gamma=model.gamma, epsilon=0.1).fit(scaled, (data.mos - level) / spread)
    # Two runs of libsvm stop within its tolerance (1e-3 of a label's spread) of the optimum, not at the same point.
    assert np.abs(model.predict(data.means) - (theirs.predict(scaled) * spread + level)).max() < 5e-3 * spread


def test_pooled_prediction_is_the_mean_of_clips_for_both_kinds():
    data = made(clips=3)
    for estimator in (Ridge(), Svr()):
        model = tune(estimator, data).model
        by_hand = [model.predict(data.clips[data.owner == i]).mean() for i in range(len(data))]
        assert np.allclose(predict(model, data), by_hand, rtol=0, atol=1e-12)


def test_taking_videos_takes_their_clips():
    data = made(videos=10, clips=2)
    part = data.take(np.array([7, 2]))
    assert part.names.tolist() == ["v7.mp4", "v2.mp4"]
    assert np.array_equal(part.clips, data.clips[[14, 15, 4, 5]])
    assert part.owner.tolist() == [0, 0, 1, 1]


def test_choices_never_see_the_test_side():
    data = made(contents=30)
    changed = made(contents=30)
    outcome = validate(Ridge(), data, repeats=1, jobs=1)[0]
    changed.mos[outcome.test] = 100.0
    again = validate(Ridge(), changed, repeats=1, jobs=1)[0]
    assert np.array_equal(outcome.predicted, again.predicted)
    assert outcome.half_width == again.half_width


@pytest.mark.parametrize("name", ["ridge", "svr"])
def test_any_number_of_workers_gives_the_same_bits(name):
    data = made(videos=60, width=90)
    results = [validate(by_name(name), data, repeats=4, jobs=jobs) for jobs in (1, 2)]
    for one, two in zip(*results, strict=True):
        assert np.array_equal(one.predicted, two.predicted)
        assert one.parameters == two.parameters
        assert one.half_width == two.half_width


def test_intervals_cover_what_they_promise():
    covered = [mean_coverage(validate(Ridge(), made(seed=seed, videos=150), repeats=8, jobs=1)) for seed in range(4)]
    assert 0.87 <= np.mean(covered) <= 0.93


def test_a_fit_carries_its_card_and_its_caveats():
    report = fit(
        Ridge(), made(contents=40, noise=0.05), ACR, "enc", {"labels_from": "x.csv"}, FitSettings(repeats=5, jobs=1)
    )
    assert report.regressor.encoder_id == "enc"
    assert report.regressor.card["labels_from"] == "x.csv"
    assert report.regressor.card["labels"] == 120
    assert report.regressor.novelty is not None
    assert report.caveats == []
    assert report.figures["srocc"].median > 0.9
    assert report.coverage > 0.8
    errors = [abs(row["error"]) for row in report.worst()]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (made(videos=32, contents=1), "one content"),
        (made(videos=32, contents=4), "only 4 contents"),
        (made(videos=32, contents=4), "no 90 % interval"),
        (made(videos=60, noise=500.0), "hardly better than the mean"),
    ],
)
def test_what_few_or_poor_labels_cannot_tell_is_said(data, said):
    report = fit(Ridge(), data, ACR, "enc", {}, FitSettings(repeats=4, jobs=1))
    assert said in " ".join(report.caveats)


def test_labels_that_teach_nothing_are_refused():
    data = made(videos=20)
    for broken, said in (
        (data.take(np.arange(3)), "3 usable labels"),
        (Dataset.of_vectors(data.clips, np.full(20, 3.0)), "equal"),
        (Dataset.of_vectors(np.full((20, 4), np.nan), data.mos), "not finite"),
    ):
        with pytest.raises(LabelError, match=said):
            fit(Ridge(), broken, ACR, "enc", {}, FitSettings(repeats=2, jobs=1))
    with pytest.raises(UsageError, match="ridge, svr"):
        by_name("forest")


def test_the_protocol_on_real_features(shared):
    """Few splits of the published protocol; the whole table is `python -m benchmarks.protocol videval`."""
    import csv

    from scipy.io import loadmat

    folder = shared / "data" / "features_with_mos"
    vectors = np.nan_to_num(loadmat(folder / "LIVE_VQC_VIDEVAL_feats.mat")["feats_mat"])
    with (folder / "LIVE_VQC_metadata.csv").open(newline="") as file:
        mos = np.array([float(row["MOS"]) for row in csv.DictReader(file)])
    outcomes = validate(by_name("svr"), Dataset.of_vectors(vectors, mos), repeats=6, jobs=1)
    assert np.median([each.agreement.srocc for each in outcomes]) == pytest.approx(0.752, abs=0.05)
    assert 0.84 <= mean_coverage(outcomes) <= 0.96
