"""``conviqt evaluate`` as people run it."""

import csv
import json

import numpy as np
import pytest
from scipy.io import savemat

from conviqt_cli.quality.regressor import LinearRegressor
from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.scoring.feature_set import FeatureSet

COUNT, WIDTH = 50, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two labelled sets with vectors, a good and a poor regressor, and one of another encoder."""
    random = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("evaluate")
    coef = np.zeros(WIDTH)
    coef[0] = 0.8
    for name in ("one", "two"):
        vectors = random.normal(size=(COUNT, WIDTH))
        mos = np.clip(3 + vectors @ coef + 0.2 * random.normal(size=COUNT), 1, 5)
        names = np.array([f"{name}{i:02}.mp4" for i in range(COUNT)])
        FeatureSet(vectors.astype(np.float32), np.zeros(COUNT), np.ones(COUNT), names, "enc:1", {}).save(
            path / f"{name}.npz"
        )
        with (path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("video", "mos"), *zip(names, mos.round(4), strict=True)])
        with (path / f"{name}-scores.csv").open("w", newline="") as file:
            rows = [(n, f"{3 + v @ coef:.4f}", "") for n, v in zip(names, vectors, strict=True)]
            csv.writer(file).writerows([("source", "quality", "error"), *rows, ("failed.mp4", "", "unreadable")])
    poor = coef + 0.7 * random.normal(size=WIDTH)
    LinearRegressor(coef, 3.0, ACR, "enc:1").save(path / "good")
    LinearRegressor(poor, 3.0, ACR, "enc:1").save(path / "poor")
    LinearRegressor(-20 * coef, 40.0, Scale("DMOS", 0.0, 100.0, higher_is_better=False), "enc:1").save(path / "dmos")
    LinearRegressor(coef, 3.0, ACR, "enc:2").save(path / "other")
    return path


def judge(conviqt, folder, *options):
    done = conviqt(
        "evaluate", folder / "one.csv", folder / "two.csv", "--features", folder / "one.npz",
        "--features", folder / "two.npz", "--draws", 30, "--jobs", 1, *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_several_sets_and_models_give_figures_confidence_and_a_test(conviqt, folder, tmp_path):
    done = judge(
        conviqt, folder, "--regressor", folder / "good", "--regressor", folder / "dmos", "--against", folder / "poor",
        "--json", "-o", tmp_path / "e.json",
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "e.json").read_text())
    assert len(found["verdicts"]) == 6
    good, dmos, poor = found["verdicts"][:3]
    assert good["agreement"]["srocc"] > 0.9 > poor["agreement"]["srocc"]
    assert dmos["agreement"]["srocc"] == pytest.approx(good["agreement"]["srocc"])
    assert dmos["agreement"]["rmse"] is None
    assert good["confidence"]["srocc"]["low"] < good["agreement"]["srocc"] < good["confidence"]["srocc"]["high"]
    assert found["comparisons"][0]["differences"]["srocc"]["significant"] is True


def test_the_table_names_sets_and_models(conviqt, folder):
    out = judge(conviqt, folder, "--regressor", folder / "good", "--against", folder / "poor").stdout
    assert "one: 50 videos" in out
    assert "SROCC of each model on each set" in out
    assert "significant" in out


def test_scores_of_a_file_are_judged_as_the_regressor_that_gave_them(conviqt, folder):
    by_regressor = json.loads(judge(conviqt, folder, "--regressor", folder / "good", "--json").stdout)
    done = conviqt("evaluate", folder / "one.csv", "--scores", folder / "one-scores.csv", "--draws", 0, "--json")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    theirs = by_regressor["verdicts"][0]["agreement"]
    assert verdict["agreement"]["srocc"] == pytest.approx(theirs["srocc"], abs=1e-3)
    assert verdict["agreement"]["plcc"] == pytest.approx(theirs["plcc"], abs=1e-4)


def test_a_score_file_says_its_scale_so_that_errors_and_intervals_are_judged_too(conviqt, folder, tmp_path):
    scale = json.dumps(ACR.to_dict())
    rows = list(csv.reader((folder / "one-scores.csv").open()))[1:-1]
    with (tmp_path / "scores.csv").open("w", newline="") as file:
        head = ("source", "quality", "interval_low", "interval_high", "scale")
        table = [(name, quality, float(quality) - 0.5, float(quality) + 0.5, scale) for name, quality, _ in rows]
        csv.writer(file).writerows([head, *table, ("failed.mp4", "", "", "", "")])
    done = conviqt("evaluate", folder / "one.csv", "--scores", tmp_path / "scores.csv", "--draws", 0, "--json")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert 0.05 < verdict["agreement"]["rmse"] < 0.5 and verdict["coverage"] > 0.9 and not verdict["notes"]


def test_features_of_other_programs_are_fitted_evaluated_and_faced_with_each_other(conviqt, folder, tmp_path):
    vectors = FeatureSet.load(folder / "one.npz")
    table = vectors.clip_features.astype(float)
    table[3, 1] = np.nan
    # Rows without names are in the order of the labels; the second set has half of the features, with names.
    savemat(tmp_path / "a.mat", {"feats_mat": table})
    with (tmp_path / "b.csv").open("w", newline="") as file:
        half = [(name, *row[1:5]) for name, row in zip(vectors.names, table.round(5), strict=True)]
        csv.writer(file).writerows([("video", "f1", "f2", "f3", "f4"), *half])
    labels = folder / "one.csv"
    for name in ("a.mat", "b.csv"):
        done = conviqt(
            "fit-regressor", labels, "--features", tmp_path / name, "-o", tmp_path / name[0], "--repeats", 3,
            "--jobs", 1, "--report", tmp_path / f"{name[0]}-held-out.csv",
        )  # fmt: skip
        assert done.returncode == 0 and "not finite (0 is used): 1" in done.stderr, done.stderr
    held_out = list(csv.DictReader((tmp_path / "a-held-out.csv").open()))
    inside = [float(row["interval_low"]) <= float(row["label"]) <= float(row["interval_high"]) for row in held_out]
    assert len(held_out) == COUNT and inside == [row["inside"] == "1" for row in held_out] and sum(inside) > 0.8 * COUNT
    done = conviqt(
        "evaluate", labels, "--features", tmp_path / "a.mat", "--regressor", tmp_path / "a", "--against",
        tmp_path / "b", "--against-features", tmp_path / "b.csv", "--draws", 40, "--jobs", 1, "--json",
        "--report", tmp_path / "page.html", "--report", tmp_path / "all.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["comparisons"][0]["differences"]["srocc"]["significant"] is True
    assert any("own content" in said for said in found["assumed"]["one"])
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 1 + 2 * COUNT
    page = (tmp_path / "page.html").read_text()
    assert page.count("<circle") == 2 * COUNT and "own content" in page and "<script" not in page


def test_refitting_gives_medians_and_a_cross_set_table(conviqt, folder, tmp_path):
    page = tmp_path / "page.html"
    done = judge(conviqt, folder, "--refit", "--repeats", 4, "--json", "--report", page)
    found = json.loads(done.stdout)["refit"]
    assert page.read_text().count("<circle") == 2 * COUNT and "fitted on the row" in page.read_text()
    assert found["figures"]["one"]["srocc"]["median"] > 0.8
    assert found["across"]["one"]["two"] > 0.8
    assert "one" not in found["across"]["one"] and found["contents"] == {"one": COUNT, "two": COUNT}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--features", "one.npz", "--regressor", "other"), 1, "fitted on encoder enc:2"),
        (("--features", "one.npz", "--regressor", "good", "--against", "other"), 1, "fitted on encoder enc:2"),
        (("--features", "one.npz"), 1, "but the weights in use are encoder"),
        (("--features", "two.npz", "--regressor", "good"), 1, "none of 50 labels fits"),
        (("--scores", "two-scores.csv"), 1, "none of its 50 videos"),
        ((), 2, "give one of --videos"),
        (("--features", "one.npz", "--scores", "one-scores.csv"), 2, "give one of --videos"),
        (("--scores", "one-scores.csv", "--against", "good"), 2, "a regressor needs vectors"),
        (("--features", "one.npz", "--refit", "--against", "good"), 2, "--refit fits its own"),
    ],
)
def test_what_cannot_be_judged_is_answered_in_one_line(conviqt, folder, arguments, code, said):
    paths = [each if each.startswith("-") else folder / each for each in arguments]
    done = conviqt("evaluate", folder / "one.csv", *paths, "-q")
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert said in done.stderr
