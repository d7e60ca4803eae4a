"""The regressor stage: labels made and resumed, features kept, held-out content never fitted on, a whole bundle."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from conviqt_cli.errors import BundleError, InputError, LabelError
from conviqt_cli.model import open_encoder
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.networks import SpatialNetwork
from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.training.corpus.holdout import held_out
from conviqt_cli.training.heads import labelled_encodes, labelled_vectors
from conviqt_cli.training.heads.assembly import assemble_encoder, seal, untrained_gru, write_card
from conviqt_cli.training.heads.card import sections_of
from conviqt_cli.training.heads.diagnosis_stage import family_of, fit_diagnosis_stage
from conviqt_cli.training.heads.fdim import Fdim, _Network
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings
from conviqt_cli.training.heads.labelled_encodes import draw, label_encodes, read_labels
from conviqt_cli.training.heads.labelled_vectors import HumanSet, Item
from conviqt_cli.training.heads.recipes import RECIPES
from conviqt_cli.training.heads.regressor_stage import fit_items, fit_regressor_stage
from conviqt_cli.training.heads.ridge_search import Trial, strongest_within_one_error, try_all
from conviqt_cli.training.heads.vmaf import Vmaf


@dataclass(frozen=True)
class Picture:
    path: Path
    kind: str
    content: str


@pytest.fixture
def few_recipes(monkeypatch):
    monkeypatch.setattr(labelled_encodes, "STILL_DRAW", (("source",), ("jpeg",), ("blur",)))
    monkeypatch.setattr(labelled_encodes, "MOVING_DRAW", (("source",), ("h264",)))
    monkeypatch.setattr(labelled_encodes, "LADDERS", ("source",))
    monkeypatch.setattr(labelled_encodes, "PHOTO_SIDES", (192,))
    monkeypatch.setattr(labelled_encodes, "VIDEO_SIDES", (192,))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bundle")
    _assemble(folder)
    return folder


def _assemble(folder, spatial=None, temporal=None):
    spatial = SpatialNetwork("conv1").backbone.state_dict() if spatial is None else spatial
    assemble_encoder(
        spatial, temporal or untrained_gru(), folder, name="tiny", version="0", provenance={"spatial": "random"}
    )


def test_labels_are_made_once_and_say_what_is_held_out(tmp_path, make_video, few_recipes, monkeypatch):
    sources = [
        Picture(make_video(tmp_path / "a.png", size="320x192", frames=1), "image_pristine", "a"),
        Picture(make_video(tmp_path / "b.mp4", size="320x192", frames=18), "video_pristine", "b"),
    ]
    rows = label_encodes(sources, tmp_path / "out")
    assert [row.content for row in rows] == ["a", "a", "a", "b", "b"]
    assert all(row.held_out == held_out(row.content) and (tmp_path / "out" / row.file).is_file() for row in rows)
    best = {row.content: row.vmaf for row in rows if row.recipe == "source"}
    assert all(row.vmaf <= best[row.content] for row in rows)

    made = []

    def vmaf(reference, encode):
        made.append(encode.name)
        return Vmaf(50.0, 60.0)

    monkeypatch.setattr(labelled_encodes, "vmaf", vmaf)
    (tmp_path / "out" / rows[1].file).unlink()
    again = label_encodes(sources, tmp_path / "out")
    assert made == [Path(rows[1].file).name]
    assert read_labels(tmp_path / "out") == again


def test_draws_depend_on_the_content_alone_and_never_repeat():
    for moving in (False, True):
        drawn = [draw(name, moving) for name in ("lake", "lake", "tower")]
        assert drawn[0] == drawn[1] != drawn[2]
        assert all(len(set(each)) == len(each) and each[0].name == "source" for each in drawn)
        ladders = [{recipe for recipe in RECIPES if recipe.family == family} for family in labelled_encodes.LADDERS]
        assert all(any(ladder <= set(each) for ladder in ladders) for each in drawn)
    assert all(recipe.suffix == ".mkv" for recipe in draw("lake", True))


def test_fdim_reads_weights_out_of_a_wheel_and_refuses_others(tmp_path):
    torch.manual_seed(0)
    network = _Network().eval()
    weights = io.BytesIO()
    torch.save(network.state_dict(), weights)
    wheel, bare = tmp_path / "fdim.whl", tmp_path / "weights"
    with zipfile.ZipFile(wheel, "w") as package:
        package.writestr("fdim/dist/checkpoints/dist_5.0.0.ckpt", weights.getbuffer())
    torch.save({}, bare)
    one, other = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    with torch.inference_mode():
        value = network(*(torch.from_numpy(each).permute(2, 0, 1)[None] / 255 for each in (one, other))).item()
    wanted = -0.7089 + (5.1354 + 0.7089) / (1 + np.exp((-1.4327 - value) / 0.6885))
    assert Fdim(wheel).compare(one, other) == pytest.approx(wanted, abs=1e-4)
    for wrong in (bare, tmp_path / "none"):
        with pytest.raises(InputError, match=r"not the wheel of fdim 0\.2\.1"):
            Fdim(wrong)


def test_damaged_labels_are_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="make labelled encodes first"):
        read_labels(tmp_path)
    (tmp_path / "labels.csv").write_text("file,content\nx,y\n")
    with pytest.raises(InputError, match="damaged"):
        read_labels(tmp_path)


def _synthetic(rng):
    """Thirty contents of two sets whose score is one direction of the vectors, and held-out ones with false labels."""
    direction = rng.standard_normal(32) / 32**0.5
    items, clips = [], []
    for number in range(40):
        name = ("avt_image_h265", "metric_stills", "metric_videos", "live_iqa_r2_subset")[number % 4]
        for version in range(5):
            vector = rng.standard_normal((2, 32))
            score = float(np.clip(3 + 2 * (vector.mean(axis=0) @ direction), 1, 5))
            item = Item(Path(f"{number}_{version}"), name, f"c{number}", score, score)
            items.append(replace(item, held_out=number >= 30 and name.startswith("metric")))
            clips.append(vector)
    return items, clips


def test_the_fit_finds_the_score_and_never_looks_at_held_out_labels():
    items, clips = _synthetic(np.random.default_rng(0))
    head, figures = fit_items(items, clips, ["avt_image_h265"])
    assert figures.held_out_metric["metric_stills"].srocc > 0.9
    assert figures.held_out_metric["metric_stills"].pairs_in_order > 0.9
    assert figures.out_of_fold_human.srocc > 0.9
    assert figures.human_items + figures.metric_items == sum(not item.held_out for item in items)
    assert head.intervals is not None and head.intervals.contents == figures.human_contents
    assert set(figures.coverage) == {"avt_image_h265", "live_iqa_r2_subset"}
    assert all(0.8 <= share <= 1.0 for share in figures.coverage.values())
    spoilt = [replace(item, score=1.0) if item.held_out else item for item in items]
    np.testing.assert_array_equal(fit_items(spoilt, clips, ["avt_image_h265"])[0].coef, head.coef)


def test_a_one_content_set_that_spoils_the_others_is_left_out():
    rng = np.random.default_rng(0)
    items, clips = _synthetic(rng)
    fine = fit_items(items, clips, ["avt_image_h265"])[1]
    for number in range(60):
        vector = clips[number % len(clips)] + 0.01 * rng.standard_normal((2, 32))
        items.append(Item(Path(f"x{number}"), "odd", "odd", 6 - items[number % 200].score, 0.0))
        clips.append(vector)
    figures = fit_items(items, clips, ["avt_image_h265"])[1]
    assert figures.left_out == ("odd",) and not figures.one_content_sets["odd"].fitted
    assert figures.to_dict()["out_of_fold"] == fine.to_dict()["out_of_fold"]
    assert json.loads(json.dumps(figures.to_dict())) == figures.to_dict()


def test_the_search_takes_the_strongest_penalty_within_one_standard_error():
    rng = np.random.default_rng(0)
    items, clips = _synthetic(rng)
    data = Labelled.of(items, clips)
    noisy = data.scores + rng.normal(size=len(items))
    trials = try_all(data, noisy)
    chosen = strongest_within_one_error(trials)
    best = min(trials, key=lambda trial: trial.error)
    near = [trial for trial in trials if trial.error <= best.error + best.standard_error]
    assert chosen.penalty == max(trial.settings.penalty for trial in near) > best.settings.penalty
    assert next(trial for trial in trials if trial.settings == chosen) in near
    assert 0 < best.standard_error < best.error / 2

    def trial(penalty, error, standard_error=0.1, weight=1.0):
        return Trial(RidgeSettings(penalty, weight), error, standard_error)

    found = [trial(1, 0.5), trial(10, 0.6, weight=3.0), trial(10, 0.58), trial(100, 0.61)]
    assert strongest_within_one_error(found) == RidgeSettings(10, 1.0)
    assert strongest_within_one_error([trial(1, 0.5, 0.0), *found[1:]]) == RidgeSettings(1, 1.0)


def test_the_stage_completes_a_bundle_and_keeps_features(tmp_path, bundle, monkeypatch):
    rng = np.random.default_rng(0)
    human = [HumanSet("panel", anchor=True, size=(48, 48))]
    rows = []
    for content in range(8):
        for version in range(2):
            file = f"p{content}_{version}.png"
            _picture(tmp_path / "mos" / "panel" / file, rng, version)
            rows.append([file, 4 - version, f"c{content}", 1, 5, "better"])
    _csv(tmp_path / "mos/panel/labels.csv", ["file", "mos", "content", "scale_min", "scale_max", "higher_is"], rows)
    rows = []
    for content in range(6):
        for version in range(2):
            file = f"e{content}_{version}.png"
            _picture(tmp_path / "encodes" / file, rng, version)
            rows.append([file, f"e{content}", "image_pristine", f"r{version}", 0, 90 - 40 * version, "", content == 5])
    head = ["file", "content", "kind", "recipe", "vmaf", "vmaf_v1", "fdim", "held_out"]
    _csv(tmp_path / "encodes/labels.csv", head, rows)

    def stage():
        encoder = open_encoder(open_bundle(bundle), "cpu")
        mos, encodes, work = (tmp_path / name for name in ("mos", "encodes", "work"))
        return fit_regressor_stage(bundle, mos, encodes, work, encoder=encoder, human_sets=human)

    (bundle / "extra.safetensors").write_bytes(b"kept")
    seal(bundle, {"diagnosis": "extra.safetensors"})
    figures = stage()
    about = "# Notes\n\n## Training corpus\n\nNone: {random} weights.\n\n## Ablations\nNone.\n### Further\nNone."
    write_card(bundle, figures, sections_of(about))
    opened = open_bundle(bundle)
    assert opened.verify() == [] and {"regressor", "card", "diagnosis"} <= opened.manifest["files"].keys()
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "16 opinion scores" in card and "## Training corpus\n\nNone: {random} weights.\n\n## Compute" in card
    assert "## Ablations\n\nNone.\n### Further" in card and "Notes" not in card
    before = opened.regressor().predict(np.zeros((1, 2048)))
    monkeypatch.setattr(labelled_vectors, "_spatial_features", lambda *_: pytest.fail("features were made again"))
    assert stage() == figures
    np.testing.assert_array_equal(open_bundle(bundle).regressor().predict(np.zeros((1, 2048))), before)

    with pytest.raises(LabelError, match="none of the sets"):
        fit_regressor_stage(bundle, tmp_path / "none", tmp_path / "encodes", tmp_path / "work")


def test_the_diagnosis_head_learns_from_clips_and_squares_and_leaves_rare_families_out(tmp_path):
    """Each class moves the features its own way; a family seen on one content only cannot be judged."""
    folder = tmp_path / "bundle"
    _assemble(folder)
    names = ["pristine", "gaussian_blur@1", "gaussian_blur@5", "jpeg@1", "jpeg@5", "hue_shift@3"]
    rng = np.random.default_rng(0)
    towards = rng.standard_normal((len(names), 4096))

    def features(frames, contents, shown):
        rows = [(content, name) for content in contents for name in range(shown)]
        values = [rng.standard_normal((1, 4096)) + towards[name] for _, name in rows]
        unit = np.stack([value / np.linalg.norm(value) * 2**0.5 for value in values]).repeat(frames, axis=1)
        where = tmp_path / f"of {frames}"
        where.mkdir()
        tensors = {
            "features": torch.from_numpy(unit).half(),
            "classes": torch.eye(len(names))[[name for _, name in rows]],
            "contents": torch.tensor([content for content, _ in rows]),
        }
        told = {"classes": json.dumps(names), "encoder": "any", "picture": "whole"}
        save_file(tensors, where / "a.safetensors", metadata=told)
        return where

    folders = [features(16, range(5), 5), features(1, range(5, 8), 5), features(2, [8], 6)]
    card = fit_diagnosis_stage(folder, folders)
    assert card["families_left_out"] == [family_of("hue_shift")] and card["contents"] == 9
    head = open_bundle(folder).diagnosis()
    assert set(head.families) == {"pristine", family_of("gaussian_blur"), "compression"}
    assert card["balanced_accuracy"] > 0.8 and open_bundle(folder).verify() == []

    with pytest.raises(InputError, match="no diagnosis head"):
        fit_diagnosis_stage(folder, folders[2:])
    with pytest.raises(InputError, match="--picture crops"):
        fit_diagnosis_stage(folder, folders, picture=CROPS)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    state = dict(SpatialNetwork("conv1").backbone.state_dict())
    del state["layer1.0.conv1.weight"]
    with pytest.raises(BundleError, match=r"layer1\.0\.conv1\.weight is missing"):
        _assemble(tmp_path, spatial=state)
    gru = untrained_gru()
    with pytest.raises(BundleError, match="not part of this network"):
        _assemble(tmp_path, temporal={**gru, "weight_ih_l1": gru["weight_ih_l0"]})
    with pytest.raises(BundleError, match="float16"):
        _assemble(tmp_path, temporal={**gru, "weight_ih_l0": gru["weight_ih_l0"] * 1e9})


def _picture(path, rng, version):
    path.parent.mkdir(parents=True, exist_ok=True)
    small = rng.integers(0, 255, (6 * (2 - version), 6 * (2 - version), 3), dtype=np.uint8)
    Image.fromarray(small).resize((48, 48), Image.Resampling.BICUBIC).save(path)


def _csv(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
