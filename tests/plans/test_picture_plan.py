"""Squares: inside the picture, spread over it, the same every time; and what sizes displays stand for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.plans.picture_plan import (
    CROPS,
    PICTURE_PLANS,
    STILL_FACTOR,
    VIEWS,
    WHOLE,
    View,
    parse_display,
    parse_picture,
)

SIZES = [(1080, 1920), (2160, 3840), (360, 640), (1920, 1080), (97, 33), (256, 256), (64, 65), (257, 300)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("still", [False, True])
def test_squares_lie_inside(height, width, still):
    for clip in range(120):
        squares = CROPS.squares(height, width, clip, still=still)
        assert len(squares) == CROPS.count * (STILL_FACTOR if still else 1)
        for square in (each.place for each in squares):
            assert square.width == square.height == min(CROPS.side, height, width)
            assert 0 <= square.x <= width - square.width and 0 <= square.y <= height - square.height


def test_thirty_clips_cover_the_picture_evenly():
    seen = np.zeros((1080, 1920), int)
    for clip, look in product(range(30), range(2)):
        for square in CROPS.squares(1080, 1920, clip, look):
            square.place.of(seen)[...] += 1
    # 30 x 2 x 2 squares of 256 are 3.8 times the picture.
    assert (seen == 0).mean() < 0.02 and seen.max() <= 10
    halves = seen[:, :960].sum() / seen.sum(), seen[:540].sum() / seen.sum()
    assert all(0.45 < share < 0.55 for share in halves)


@pytest.mark.parametrize(("height", "width"), [(300, 500), (501, 299), (256, 256), (90, 70)])
def test_turned_and_mirrored_pictures_are_seen_alike(height, width):
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)

    def seen(pixels: np.ndarray, clips: int, still: bool) -> list[bytes]:
        rows, columns = pixels.shape[:2]
        looks = [(clip, look) for clip in range(clips) for look in range(1 if still else 2)]
        squares = [each for clip, look in looks for each in CROPS.squares(rows, columns, clip, look, still)]
        return sorted(each.view.of(each.place.of(pixels)).tobytes() for each in squares)

    assert len(set(VIEWS)) == 8
    for clips, still in ((1, True), (2, False)):
        alike = seen(picture, clips, still)
        assert len(alike) == 8
        for way in VIEWS:
            assert seen(way.of(picture), clips, still) == alike
    for way in (View(mirrored=True), View(flipped=True)):
        assert seen(way.of(picture), 1, False) == seen(picture, 1, False)


def test_a_clip_of_one_frame_looks_at_it_and_identities_differ():
    assert list(CROPS.frames(16)) == [0, 8] and list(WHOLE.frames(16)) == list(range(16))
    assert len({plan.id for plan in PICTURE_PLANS.values()}) == len(PICTURE_PLANS)
    with pytest.raises(UsageError, match="crops or whole"):
        parse_picture("half")


def test_display_sizes():
    assert parse_display("source").size(180, 320) == (180, 320)
    assert parse_display("1080").size(180, 320) == (1080, 1920)
    assert parse_display("1080").size(2160, 3840) == (1080, 1920)
    assert parse_display("1080").size(640, 360) == (1920, 1080)
    assert parse_display("auto").size(180, 320) == (1080, 1920)
    assert parse_display("auto").size(2160, 3840) == (2160, 3840)
    assert all(str(parse_display(text)) == text for text in ("source", "auto", "720"))
    for text in ("", "0", "-1080", "4k", "1080p", "100000", "1e3", "٣٠٠"):
        with pytest.raises(UsageError, match="display"):
            parse_display(text)
