"""``conviqt fit-regressor`` as people run it: real files in, a regressor and a report out, or one clear line."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.quality.regressor import load_regressor
from conviqt_cli.scoring.feature_set import FeatureSet

COUNT, WIDTH = 60, 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Vectors of 60 videos of 20 contents, two clips each, and their labels."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("fit")
    means = random.normal(size=(COUNT, WIDTH))
    mos = np.clip(3 + 0.6 * means[:, 0] + 0.3 * means[:, 1] + 0.15 * random.normal(size=COUNT), 1, 5)
    clips = np.repeat(means, 2, axis=0) + 0.05 * random.normal(size=(2 * COUNT, WIDTH))
    names = np.repeat([f"videos/v{i:02}.mp4" for i in range(COUNT)], 2)
    times = np.tile([0.0, 1.0], COUNT)
    made = FeatureSet(clips.astype(np.float32), times, times + 1, names, "enc:1", {"picture": CROPS.to_dict()})
    made.save(path / "f.npz")
    replace(made, settings={}).save(path / "whole.npz")
    rows = [f"v{i:02},{mos[i]:.3f},0.5,25,scene{i % 20}" for i in range(COUNT)]
    (path / "labels.csv").write_text("video,mos,std,n,content\n" + "\n".join(rows) + "\n")
    return path


def fit(conviqt, folder, *options, labels="labels.csv", **how):
    return conviqt(
        "fit-regressor", folder / labels, "--features", folder / "f.npz", "--repeats", 6, "--jobs", 1, *options, **how
    )


@pytest.mark.parametrize("kind", ["ridge", "svr"])
def test_features_and_labels_give_a_judged_regressor(conviqt, folder, tmp_path, kind):
    done = fit(
        conviqt, folder, "-o", tmp_path / "r", "--estimator", kind, "--report", tmp_path / "r.html",
        "--report", tmp_path / "r.json", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed == json.loads((tmp_path / "r.json").read_text())
    assert printed["schema"] == "conviqt-fit/1"
    assert printed["figures"]["srocc"]["median"] > 0.75
    assert printed["figures"]["epsilon_rmse"]["median"] < printed["figures"]["rmse_mapped"]["median"]
    assert 0.7 < printed["intervals"]["coverage"] <= 1
    regressor = load_regressor(tmp_path / "r")
    assert (regressor.encoder_id, regressor.picture, regressor.card["contents"]) == ("enc:1", CROPS.id, 20)
    assert regressor.intervals.contents == 20
    assert regressor.novelty is not None
    features = FeatureSet.load(folder / "f.npz")
    by_hand = [regressor.predict(features.of(video)).mean() for video in features.videos]
    labels = [float(line.split(",")[1]) for line in (folder / "labels.csv").read_text().split()[1:]]
    assert np.corrcoef(by_hand, labels)[0, 1] > 0.9
    page = (tmp_path / "r.html").read_text()
    assert page.count("<circle") == COUNT
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_regressor_refuses_vectors_of_another_picture_plan(conviqt, folder, tmp_path):
    fit(conviqt, folder, "-o", tmp_path / "r", "-q")
    labels = folder / "labels.csv"
    for features, code in (("f.npz", 0), ("whole.npz", 1)):
        done = conviqt("evaluate", labels, "--features", folder / features, "--regressor", tmp_path / "r", "--draws", 0)
        assert done.returncode == code
    assert "fitted on the picture plan crops" in done.stderr and "Traceback" not in done.stderr


def test_guesses_are_shown_before_work_and_the_table_goes_to_stdout(conviqt, folder, tmp_path):
    done = fit(conviqt, folder, "-o", tmp_path / "r")
    assert "'mos' (column 2)" in done.stderr
    assert "1 (bad) to 5 (excellent)" in done.stderr
    assert "20, from the file" in done.stderr
    assert "SROCC" in done.stdout
    assert "learning curve" in done.stdout
    assert "SROCC" not in done.stderr


def test_a_dry_run_shows_and_writes_nothing(conviqt, folder, tmp_path):
    (folder / "some.csv").write_text("name,score\nv00,3\nv01,4\nv99,2\nv02,\n")
    done = fit(conviqt, folder, "--dry-run", "-o", tmp_path / "r", "--json", labels="some.csv")
    assert done.returncode == 0, done.stderr
    assert "2 of 3 labels" in done.stderr
    left_out = json.loads(done.stdout)["left_out"]
    assert left_out["no score"] == ["v02"]
    assert left_out["labels without a video"] == ["v99"]
    assert len(left_out["videos without a label"]) == COUNT - 2
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("video,mos\nv00,1\nv01,2\nv02,3\n", "3 usable labels; at least 5"),
        ("video,mos\n" + "".join(f"v{i:02},3\n" for i in range(20)), "all 20 labels equal 3"),
        ("video,mos\n" + "".join(f"v{i:02},nan\n" for i in range(20)), "no usable label in 20 rows"),
        ("video,mos\n" + "".join(f"w{i:02},{i % 5}\n" for i in range(20)), "none of 20 labels fits any of 60 videos"),
        (pickle.dumps(list(range(9))), "not a table of text"),
        ("", "the file is empty"),
        (
            "video,mos\n" + "".join(f"v{i:02},{-1 if i == 3 else i % 4}\n" for i in range(20)),
            "declare -1 as the value of missing scores",
        ),
    ],
)
def test_hopeless_labels_are_answered_in_one_line(conviqt, folder, tmp_path, content, said):
    (folder / "bad.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    done = fit(conviqt, folder, "-o", tmp_path / "r", "-q", labels="bad.csv")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "r").exists()


def test_one_content_is_fitted_and_said(conviqt, folder, tmp_path):
    rows = "".join(f"v{i:02},{1 + i % 5},same\n" for i in range(30))
    (folder / "one.csv").write_text("video,mos,content\n" + rows)
    done = fit(conviqt, folder, "-o", tmp_path / "r", labels="one.csv")
    assert done.returncode == 0, done.stderr
    assert "count as one content" in done.stdout.replace("\n", " ")
    assert "one content" in " ".join(load_regressor(tmp_path / "r").card["caveats"])


def test_damaged_vectors_and_wrong_usage_are_clear(conviqt, folder, tmp_path):
    (tmp_path / "f.npz").write_bytes((folder / "f.npz").read_bytes()[:100])
    labels = folder / "labels.csv"
    for arguments, code, said in (
        (("--features", tmp_path / "f.npz", "-o", tmp_path / "r"), 1, "not a feature file, or damaged"),
        (("-o", tmp_path / "r"), 2, "--videos DIR"),
        (("--features", folder / "f.npz"), 2, "nowhere to put the regressor"),
        (("--features", folder / "f.npz", "-o", tmp_path / "no" / "r"), 2, "folder does not exist"),
        (("--features", folder / "f.npz", "-o", tmp_path / "r", "--estimator", "forest"), 2, "ridge, svr"),
        (("--features", folder / "f.npz", "-o", tmp_path / "r", "--scale", "5:1"), 2, "the lower end first"),
        (("--features", folder / "f.npz", "-o", tmp_path / "r", "--mos-col", "zzz"), 1, "no column 'zzz'"),
        (("--videos", tmp_path / "gone", "-o", tmp_path / "r"), 1, "no such folder"),
    ):
        done = conviqt("fit-regressor", labels, *arguments, "-q")
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert said in done.stderr


def test_videos_are_extracted_once_and_the_result_scores_videos(conviqt, make_video, tmp_path):
    """The whole way: six videos, labels, a regressor, and a score with it; the second fit extracts nothing."""
    (tmp_path / "v").mkdir()
    for i in range(6):
        quality = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", str(10 + 8 * i))
        make_video(tmp_path / "v" / f"clip{i}.mp4", *quality, frames=16)
    (tmp_path / "v" / "broken.mp4").write_bytes(b"not a video")
    (tmp_path / "l.csv").write_text(
        "video,mos\n" + "".join(f"clip{i}.mp4,{5 - 0.7 * i}\n" for i in range(6)) + "broken.mp4,3\n"
    )
    command = ("fit-regressor", tmp_path / "l.csv", "--videos", tmp_path / "v", "-o", tmp_path / "r",
               "--cache", tmp_path / "c", "--repeats", 3, "--jobs", 1, "--json")  # fmt: skip
    first = conviqt(*command)
    assert first.returncode == 0, first.stderr
    assert "broken.mp4" in json.loads(first.stdout)["left_out"]["videos that could not be read"][0]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*.npz")}
    assert len(kept) == 6
    again = conviqt(*command)
    figures = [json.loads(done.stdout)["figures"] for done in (first, again)]
    assert figures[0] == figures[1]
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*.npz")}
    scored = conviqt("score", tmp_path / "v" / "clip0.mp4", "--regressor", tmp_path / "r", "--json", "-q")
    assert scored.returncode == 0, scored.stderr
    assert 1 <= json.loads(scored.stdout)["quality"] <= 5


def test_a_regressor_of_another_encoder_does_not_score(conviqt, folder, sample, tmp_path):
    assert fit(conviqt, folder, "-o", tmp_path / "r", "-q").returncode == 0
    done = conviqt("score", sample, "--regressor", tmp_path / "r")
    assert done.returncode == 1
    assert "fitted on encoder enc:1, but the weights in use are encoder" in done.stderr
