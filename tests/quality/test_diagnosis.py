"""Diagnosis heads: they learn what is there, promise no more than that, and only whole files are read."""

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from conviqt_cli.errors import BundleError
from conviqt_cli.fitting.diagnosis_head import fit_head, recalibrated
from conviqt_cli.quality.diagnosis import FORMAT, PRISTINE, Candidate, Diagnosis, DiagnosisHead
from conviqt_cli.quality.families import CLEAN, OTHER

NAMES = (PRISTINE, "blur", "compression", "noise")
COUNT, WIDTH, CONTENTS = 900, 24, 90


def clips(strength=1.0, seed=0):
    """Vectors in which each family moves along a direction of its own with its level, over larger moves by content."""
    random = np.random.default_rng(seed)
    family = random.integers(0, len(NAMES), COUNT)
    level = np.where(family == 0, 0, random.integers(1, 6, COUNT)).astype(float)
    content = np.arange(COUNT) % CONTENTS
    scenes = 2 * random.normal(size=(CONTENTS, 6)) @ random.normal(size=(6, WIDTH))
    directions = np.where(np.arange(len(NAMES))[:, None] == 0, 0, random.normal(size=(len(NAMES), WIDTH)))
    spoilt = strength * (0.5 + level / 2)[:, None] * directions[family]
    vectors = scenes[content] + spoilt + 0.3 * random.normal(size=(COUNT, WIDTH))
    # Values of very different size, as nothing about a vector's units means anything.
    return vectors * np.geomspace(1e-3, 1e2, WIDTH), [NAMES[index] for index in family], level, content


@pytest.fixture(scope="module")
def head():
    return fit_head(*clips(), encoder_id="encoder-a")


def test_families_and_levels_are_learnt_and_the_figures_are_those_of_new_contents(head):
    vectors, families, level, _ = clips()
    found = head.diagnose(vectors)
    assert (
        np.mean([each.family == name.replace(PRISTINE, CLEAN) for each, name in zip(found, families, strict=True)])
        > 0.9
    )
    wrong = [abs(each.level - value) for each, value in zip(found, level, strict=True) if value]
    assert np.mean(wrong) < 0.6
    assert head.families == NAMES and head.probabilities(vectors).sum(axis=1) == pytest.approx(1.0)
    assert 0.85 < head.card["accuracy"] <= 1 and head.card["level_mae"] < 0.7 and head.card["calibration_error"] < 0.05
    assert head.card["family"]["blur"]["contents"] > 50 and np.shape(head.card["confusion"]) == (4, 4)


def test_what_cannot_be_told_is_not_claimed(head):
    # No distortion leaves a trace here, and each content has one family: only who mixes up contents could name it.
    vectors, _, _, content = clips(strength=0.0)
    families = [NAMES[number % len(NAMES)] for number in content]
    level = [0.0 if name == PRISTINE else 3.0 for name in families]
    blind = fit_head(vectors, families, level, content)
    assert blind.card["accuracy"] < 0.4 and blind.card["calibration_error"] < 0.12
    assert np.median(blind.probabilities(vectors).max(axis=1)) < 0.45 < head.card["accuracy"]


def test_equal_seeds_give_equal_heads(head):
    again = fit_head(*clips(), encoder_id="encoder-a")
    assert np.array_equal(again.family_coef, head.family_coef) and again.card == head.card


def test_fewer_clips_than_values_and_two_families_are_enough():
    vectors, families, level, content = clips()
    rows = [index for index, name in enumerate(families) if name in (PRISTINE, "noise")][:60]
    wide = np.tile(vectors[rows], 4) + 0.01 * np.random.default_rng(1).normal(size=(60, 4 * WIDTH))
    few = fit_head(wide, [families[row] for row in rows], level[rows], content[rows])
    assert few.families == (PRISTINE, "noise") and few.width == 4 * WIDTH and few.card["accuracy"] > 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, f, lev, g: (v, f, lev[:-1], g), "levels"),
        (lambda v, f, lev, g: (np.where(v == v[3], np.nan, v), f, lev, g), "not finite"),
        (lambda v, f, lev, g: (v, f, lev + 1, g), "levels must lie"),
        (
            lambda v, f, lev, g: (v, ["haze" if name == PRISTINE else name for name in f], lev, g),
            "no family 'pristine'",
        ),
        (lambda v, f, lev, g: (v, ["rain\n" if name == "blur" else name for name in f], lev, g), "name is not one"),
        (lambda v, f, lev, g: (v, ["snow" if c == 1 else n for n, c in zip(f, g, strict=True)], lev + 1, g), "levels"),
        (lambda v, f, lev, g: (v, ["snow", *f[1:]], np.r_[1, lev[1:]], g), "'snow' has 1 contents"),
    ],
)
def test_labels_that_cannot_be_fitted_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_head(*change(*clips()))


def test_people_are_told_no_more_than_is_known():
    seen = Diagnosis("compression", 3.2, 0.62, (Candidate("blur", 0.2),))
    assert (seen.text, seen.cause) == ("looks like compression, level 3 of 5 (62 %)", "compression")
    for unclear in (replace(seen, probability=0.39), replace(seen, family=OTHER)):
        assert (unclear.text, unclear.cause) == ("cause unclear", None)
    assert replace(seen, probability=0.999).text.endswith("(99 %)")
    trace = replace(seen, level=0.3)
    assert (trace.text, trace.cause) == ("looks like a trace of compression (62 %)", None)
    clean = replace(seen, family=CLEAN, level=0.0)
    assert (clean.text, clean.cause) == ("", None)


def test_families_that_are_confused_are_one_and_an_intact_stream_has_lost_no_packets():
    families = (PRISTINE, "blocking", "compression", "timing", "transmission")
    chances = np.array([0.05, 0.15, 0.2, 0.1, 0.5])
    levels = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    flat = np.zeros((5, 4))
    head = DiagnosisHead(families, flat, np.log(chances), flat, levels, "encoder-a")
    (intact,), (lossy,) = (head.diagnose(np.ones((1, 4)), each) for each in (True, False))
    assert (intact.family, intact.level) == ("compression", 4.0) and intact.probability == pytest.approx(0.85)
    assert [each.family for each in intact.others] == [OTHER, CLEAN]
    assert lossy.family == "packet loss" and lossy.probability == pytest.approx(0.5)
    assert lossy.others[0].family == "compression" and lossy.others[0].probability == pytest.approx(0.35)


def test_a_file_brings_everything_back(head, tmp_path):
    vectors = clips()[0]
    head.for_encoder("encoder-b").save(tmp_path / "d")
    found = DiagnosisHead.load(tmp_path / "d")
    assert found.diagnose(vectors) == head.diagnose(vectors)
    assert (found.families, found.encoder_id, found.card) == (head.families, "encoder-b", head.card)
    (first, *_) = found.diagnose(vectors[:1])
    assert first.probability >= first.others[0].probability >= first.others[1].probability
    for wrong, message in ((vectors[:, 1:], "expects vectors of 24"), (np.full((1, WIDTH), np.nan), "not finite")):
        with pytest.raises(BundleError, match=message):
            found.diagnose(wrong)


class Bomb:
    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('exploded').touch()",))


def test_what_is_no_head_is_refused_and_not_run(head, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head.save(tmp_path / "d")
    whole = (tmp_path / "d").read_bytes()
    for data in (pickle.dumps(Bomb()), b"", whole[:200], whole[:-1]):
        (tmp_path / "d").write_bytes(data)
        with pytest.raises(BundleError, match="not a diagnosis head, or damaged"):
            DiagnosisHead.load(tmp_path / "d")
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(BundleError, match="no such diagnosis head"):
        DiagnosisHead.load(tmp_path / "none")
    save_file({"coef": np.zeros(2)}, tmp_path / "d")
    with pytest.raises(BundleError, match="not a diagnosis head, although"):
        DiagnosisHead.load(tmp_path / "d")


@pytest.mark.parametrize(
    ("tensors", "header", "message"),
    [
        ({"level_coef": np.zeros((2, 4))}, {}, r"level_coef of shape \(2, 4\)"),
        ({"family_coef": np.zeros(2)}, {}, "family_coef of shape"),
        ({"family_bias": np.array([0.0, np.nan])}, {}, "not finite"),
        ({"family_bias": np.zeros(2, dtype=np.int64)}, {}, "not finite numbers"),
        ({"level_bias": None}, {}, "no level_bias"),
        ({}, {"families": [PRISTINE, "blur", "noise"]}, "for 3 families"),
        ({}, {"families": [PRISTINE, PRISTINE]}, "1 different"),
        ({}, {"families": ["noise", "blur"]}, "no family 'pristine'"),
        ({}, {"families": [PRISTINE, "\x1b[31m"]}, "name is not one"),
        ({}, {"families": 7}, "damaged header"),
        ({}, {"card": None}, "damaged header"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_in_one_line(tensors, header, message, tmp_path):
    sound = {name: np.zeros((2, 3) if name.endswith("coef") else 2) for name in
             ("family_coef", "family_bias", "level_coef", "level_bias")}  # fmt: skip
    given = {name: value for name, value in {**sound, **tensors}.items() if value is not None}
    head = {"families": [PRISTINE, "blur"], "encoder_id": "e", "card": {}, **header}
    save_file(given, tmp_path / "d", metadata={"format": FORMAT, "header": json.dumps(head)})
    with pytest.raises(BundleError, match=message) as error:
        DiagnosisHead.load(tmp_path / "d")
    assert "\n" not in str(error.value) and str(tmp_path / "d") in str(error.value)


def test_probabilities_hold_for_contents_that_the_encoder_had_not_seen(head):
    """Unseen contents spread more and lie apart, so that an untouched head is too sure and sees too few as pristine."""
    vectors, families, level, content = clips(seed=0)
    random = np.random.default_rng(5)
    spread = vectors + 0.9 * random.normal(size=vectors.shape) * np.geomspace(1e-3, 1e2, WIDTH)
    made = recalibrated(head, spread, families, level, content)
    judged = np.array([hashlib.sha256(str(each).encode()).digest()[0] % 2 == 1 for each in content])
    right = np.array([head.families.index(name) for name in families])[judged]

    def log_loss(each):
        return -np.log(each.probabilities(spread[judged])[np.arange(judged.sum()), right]).mean()

    assert log_loss(made) < log_loss(head)
    assert made.card["held_out"]["clips"] == judged.sum() and made.card["calibration"]["temperature"] > 1
    assert made.card["held_out"]["accuracy"] == pytest.approx(
        (made.probabilities(spread[judged]).argmax(axis=1) == right).mean(), abs=1e-4
    )
    with pytest.raises(ValueError, match="held-out contents"):
        recalibrated(head, spread, families, level, np.zeros(COUNT))
