"""The Python interface: frames in memory, many videos, tables, functions that do what the commands do."""

import pydoc

import numpy as np
import pytest
import torch

import conviqt_cli
from conviqt_cli import evaluate, fit, load, score_many
from conviqt_cli.errors import UsageError
from conviqt_cli.evaluation.agreement import Bootstrap
from conviqt_cli.fitting.fit import FitSettings
from conviqt_cli.scoring.feature_set import FeatureSet
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe


@pytest.fixture(scope="module")
def scorer(networks):
    return load(device="cpu", precision="fp32", sampling="every:9")


@pytest.fixture(scope="module")
def frames(small):
    with FrameStream(probe(str(small)), max_frames=1000) as stream:
        return np.stack([frame.pixels for frame in stream])[:20]


def test_frames_in_memory_score_as_their_file(scorer, small, frames):
    from_file = scorer.score(small, duration=0.8)
    given = scorer.score_frames(frames, fps=25, name="<memory>")
    assert given.quality == pytest.approx(from_file.quality, abs=0.02)
    assert [(each.start, each.end) for each in given.segments] == [
        (each.start, each.end) for each in from_file.segments
    ]
    tensor = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    assert scorer.score_frames(tensor, fps=25).quality == pytest.approx(given.quality, abs=1e-6)
    assert scorer.score_frames(iter(list(frames)), fps=25).quality == pytest.approx(given.quality, abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "no frames"),
        ([np.zeros((32, 32), np.uint8)], "a frame is RGB"),
        ([np.zeros((32, 32, 3), np.int64)], "uint8, or floating-point"),
        ([np.full((32, 32, 3), 2.0)], "from 0 to 1, but these"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 34, 3), np.uint8)], "frame 1 is of another size"),
    ],
)
def test_what_are_no_frames_is_answered_in_one_line(scorer, wrong, said):
    with pytest.raises(UsageError, match=said):
        scorer.score_frames(wrong)


def test_many_videos_become_a_table_and_a_notebook_shows_names_as_text(scorer, small, tmp_path):
    odd = tmp_path / "<b>&.mp4"
    odd.write_bytes(small.read_bytes())
    scores = score_many([odd, tmp_path / "none.mp4", small], scorer)
    assert [each.source for each in scores] == [str(odd), str(tmp_path / "none.mp4"), str(small)]
    assert len(scores.scored) == 2 and len(scores.failed) == 1
    assert "<b>" not in scores._repr_html_() + scores[0]._repr_html_()
    table = scores.to_frame()
    assert table.quality.notna().tolist() == [True, False, True] and table.error_code[1] == "unreadable"
    assert len(scores[0].to_frame()) == len(scores[0].segments)
    with pytest.raises(UsageError, match="twice"):
        score_many([small, small], scorer)


def test_fit_and_evaluate_are_functions(tmp_path):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 6))
    names = np.array([f"v{i}.mp4" for i in range(40)])
    FeatureSet(vectors.astype(np.float32), np.zeros(40), np.ones(40), names, "enc:1", {}).save(tmp_path / "f.npz")
    mos = np.clip(3 + vectors[:, 0], 1, 5)
    rows = [f"{name},{each:.3f},{i // 2}" for i, (name, each) in enumerate(zip(names, mos, strict=True))]
    (tmp_path / "l.csv").write_text("\n".join(["video,mos,content", *rows]))
    report = fit(tmp_path / "l.csv", features=tmp_path / "f.npz", settings=FitSettings(repeats=3, jobs=1))
    assert report.cross_validated.srocc > 0.8 and report.to_frame().inside.mean() > 0.8
    report.regressor.save(tmp_path / "r")
    features, few = tmp_path / "f.npz", Bootstrap(draws=40)
    found = evaluate(tmp_path / "l.csv", features=features, regressor=tmp_path / "r", bootstrap=few)
    assert found.models[0].agreement.srocc > 0.9 and len(found.to_frame()) == 40
    refitted = evaluate(tmp_path / "l.csv", features=tmp_path / "f.npz", refit="ridge", repeats=3)
    assert refitted.refit.contents == {"l": 20}
    with pytest.raises(UsageError, match="folder of the videos"):
        fit(tmp_path / "l.csv")


@pytest.mark.parametrize("name", [each for each in conviqt_cli.__all__ if each[0].islower()])
def test_help_says_what_every_argument_is(name):
    function = getattr(conviqt_cli, name)
    text = pydoc.plain(pydoc.render_doc(function))
    assert "Args:" in text and "Raises" in text
    arguments = [each for each in function.__code__.co_varnames[: function.__code__.co_argcount]]
    assert not [each for each in arguments if f"{each}:" not in text and f"{each}," not in text]
