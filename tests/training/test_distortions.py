"""The spatial bank: shapes, determinism, levels that rise, and strengths that are what the docstrings say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from conviqt_cli.training.distortions.blur import disc, line
from conviqt_cli.training.distortions.distortion import LEVELS, Distortion, Pixels
from conviqt_cli.training.distortions.sheets import sheet
from conviqt_cli.training.distortions.spatial_bank import SPATIAL

BANK = {distortion.name: distortion for distortion in SPATIAL}
every_type = pytest.mark.parametrize("distortion", SPATIAL, ids=list(BANK))


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    """Three windows of photographs and a smooth two-colour gradient; sides that no block size divides."""
    y, x = np.mgrid[0:157, 0:131] / 157
    gradient = np.stack([60 + 150 * x, 60 + 120 * y, 200 - 80 * x], -1).astype(np.uint8)
    sources = (data.astronaut()[60:, 180:], data.chelsea()[60:, 120:], data.coffee()[80:, 200:])
    return [gradient, *(np.ascontiguousarray(each[:157, :131]) for each in sources)]


def at(distortion: Distortion, pixels: Pixels, level: int, seed: int = 1) -> Pixels:
    return distortion.apply(pixels, level, np.random.default_rng(seed))


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.mean(np.square(one.astype(float) - other)))


@every_type
def test_keeps_shape_type_and_source_and_repeats_itself(distortion: Distortion, pictures: list[Pixels]) -> None:
    source = pictures[1]
    before = source.copy()
    result = at(distortion, source, 3)
    assert result.shape == source.shape
    assert result.dtype == np.uint8
    assert np.array_equal(source, before), "the source was written to"
    assert not np.shares_memory(result, source)
    assert np.array_equal(result, at(distortion, source, 3))
    # A crop is often a view into a larger picture, sometimes a mirrored one.
    mirrored = source[:, ::-1]
    assert np.array_equal(at(distortion, mirrored, 3), at(distortion, np.ascontiguousarray(mirrored), 3))


@every_type
def test_each_level_is_farther_from_the_source_than_the_one_before(
    distortion: Distortion, pictures: list[Pixels]
) -> None:
    distances = [
        np.mean([distance(at(distortion, each, level, seed), each) for seed, each in enumerate(pictures)])
        for level in LEVELS
    ]
    assert distances[0] > 0
    assert all(np.diff(distances) > 0), distances


@every_type
@pytest.mark.parametrize("level", [0, 6])
def test_refuses_other_levels(distortion: Distortion, level: int, pictures: list[Pixels]) -> None:
    with pytest.raises(ValueError, match="level"):
        at(distortion, pictures[0], level)


def test_names_are_unique_and_pairs_are_made_of_single_types_of_the_bank() -> None:
    assert len(BANK) == len(SPATIAL) >= 32
    pairs = [distortion for distortion in SPATIAL if distortion.parts]
    assert len(pairs) >= 4
    for pair in pairs:
        assert pair.name == "+".join(pair.parts)
        assert all(not BANK[part].parts for part in pair.parts)


def test_noise_has_the_deviation_that_it_says() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert np.std(at(BANK["white_noise"], grey, 3).astype(float) - 128) == pytest.approx(15, rel=0.03)
    grain = at(BANK["film_grain"], grey, 3).astype(float) - 128
    assert np.std(grain) == pytest.approx(11, rel=0.05)
    assert np.ptp(grain, axis=2).max() == 0, "grain is the same on R, G and B"
    colour = at(BANK["colour_noise"], grey, 2).astype(float) @ (0.299, 0.587, 0.114)
    assert np.std(colour) < 0.7, "colour noise leaves luma alone"
    changed = at(BANK["impulse_noise"], grey, 5) != 128
    assert changed.mean() == pytest.approx(0.08, rel=0.1)


def test_blur_kernels_keep_brightness_and_have_the_width_that_they_say() -> None:
    for kernel in (disc(3.0), line(9.0, 0.4)):
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.count_nonzero(line(9.0, 0.0).sum(0)) == 9
    # The second moment of a disc of radius r is r squared over 4 on either axis.
    kernel = disc(4.8)
    offset = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel.sum(0) * offset**2).sum() == pytest.approx(4.8**2 / 4, rel=0.1)


def test_combing_moves_every_other_line_only(pictures: list[Pixels]) -> None:
    result = at(BANK["combing"], pictures[1], 4)
    assert np.array_equal(result[::2], pictures[1][::2])
    inner = slice(8, -8)
    moved = [np.roll(pictures[1][1::2], step, axis=1)[:, inner] for step in (-8, 8)]
    assert any(np.array_equal(result[1::2, inner], each) for each in moved)


def test_a_sheet_shows_the_source_and_five_levels_of_pictures_and_clips(tmp_path: Path, pictures: list[Pixels]) -> None:
    chosen = (BANK["jpeg"], BANK["darken"])
    sheet(chosen, pictures[1], tmp_path / "pictures.png")
    drawn = np.asarray(Image.open(tmp_path / "pictures.png"))
    assert drawn.shape[1] > 6 * 131
    assert drawn.shape[0] > 2 * 157
    wanted = at(BANK["darken"], pictures[1], 5, seed=0)
    assert np.array_equal(drawn[-6 - 157 : -6, -6 - 131 : -6], wanted)
    fade = Distortion("fade", "flicker", lambda clip, level, rng: (clip // (level + 1)).astype(np.uint8))
    sheet((fade,), np.stack(pictures), tmp_path / "clips.png")
    assert Image.open(tmp_path / "clips.png").height > 157 + 4 * len(pictures)
    with pytest.raises(ValueError, match="at least one"):
        sheet((), pictures[1], tmp_path / "none.png")
