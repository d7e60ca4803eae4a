"""Which regions of a picture score low: squares in a grid over one frame, each scored alone.

A square goes through the same networks and regressor as those that a video's score rests on, at the same size and as a
clip that stands still. What it gets is therefore on the scale of the video, but it rests on one square of one frame: it
tells regions of a frame apart, and is no score of its own. Plain regions (a sky, a wall) may score lower than detailed
ones without being at fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.quality.regressor import Regressor
from conviqt_cli.quality.scale import Scale
from conviqt_cli.scoring.features import features_of_squares
from conviqt_cli.scoring.results import VideoScore
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.video.picture import Picture, Rectangle
from conviqt_cli.video.scaling import shown
from conviqt_cli.video.thumbnails import frame_at

#: Most squares of a frame. A larger picture has gaps between them, so that a map costs the same at every size.
MOST_SQUARES = 24

_ACROSS, _DOWN = ("left", "centre", "right"), ("top", "middle", "bottom")


@dataclass(frozen=True)
class Region:
    """A region of the whole picture, its ends as shares (0 to 1) of width and height, and its ``quality``."""

    left: float
    top: float
    width: float
    height: float
    quality: float

    @property
    def place(self) -> str:
        """Where it is, to the nearest ninth of the picture: ``top left``, ``middle right``, ``centre``"""
        across = _ACROSS[min(2, int(3 * (self.left + self.width / 2)))]
        down = _DOWN[min(2, int(3 * (self.top + self.height / 2)))]
        return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"


@dataclass(frozen=True)
class QualityMap:
    """Regions of the frame at ``time`` seconds, on ``scale``; ``side`` is that of their squares in pixels."""

    time: float
    side: int
    regions: tuple[Region, ...]
    scale: Scale

    @property
    def mean(self) -> float:
        """The mean of all regions."""
        return float(np.mean([region.quality for region in self.regions]))

    @property
    def worst(self) -> Region:
        """The region of lowest quality."""
        quality = self.scale.worst(region.quality for region in self.regions)
        return next(region for region in self.regions if region.quality == quality)

    def shortfall(self, region: Region) -> float:
        """How far a region is below the frame's mean, in scale units; negative where it is better."""
        return (self.mean - region.quality) * (1 if self.scale.higher_is_better else -1)


def quality_map(scorer: Scorer, score: VideoScore, time: float) -> QualityMap | None:
    """The map of the frame that ``score``'s video shows at ``time`` seconds.

    ``None`` where there is nothing to tell apart (the picture is no larger than one square), no regressor that was
    fitted on squares, or the frame cannot be had.
    """
    regressor = _regressor(scorer, score.scale)
    picture = None if regressor is None else frame_at(score.video, time)
    if regressor is None or picture is None:
        return None
    area = score.scored_area or Rectangle(0, 0, picture.width, picture.height)
    side, found = map_picture(scorer, regressor, picture.part(area))
    regions = tuple(
        Region(
            (area.x + each.left * area.width) / picture.width,
            (area.y + each.top * area.height) / picture.height,
            each.width * area.width / picture.width,
            each.height * area.height / picture.height,
            each.quality,
        )
        for each in found
    )
    return QualityMap(time, side, regions, score.scale) if len(regions) > 1 else None


def map_picture(scorer: Scorer, regressor: Regressor, picture: Picture) -> tuple[int, list[Region]]:
    """The side of the squares in pixels, and all regions of one picture, row by row, as ``regressor`` scores them."""
    plan, display = scorer.picture_and_display
    height, width = display.size(picture.height, picture.width)
    side = min((plan if not plan.whole else CROPS).side, height, width)
    rows, columns = grid(height, width, side)
    squares = [
        Rectangle(_start(column, columns, width, side), _start(row, rows, height, side), side, side)
        for row in range(rows)
        for column in range(columns)
    ]
    pictures = np.stack([shown(picture, (height, width), square) for square in squares])
    features = features_of_squares(scorer.encoder, pictures)
    # A picture that stands still: both frames that are looked at of a clip are this one.
    vectors = np.stack([scorer.encoder.temporal(np.stack([row, row])) for row in features])
    qualities = [regressor.scale.clip(value) for value in regressor.predict(vectors)]
    return side, [
        Region(index % columns / columns, index // columns / rows, 1 / columns, 1 / rows, float(quality))
        for index, quality in enumerate(qualities)
    ]


def grid(height: int, width: int, side: int) -> tuple[int, int]:
    """Rows and columns of squares that cover a picture, or as many in its shape as :data:`MOST_SQUARES` allows.

    >>> grid(720, 1280, 256), grid(2160, 3840, 256)
    ((3, 5), (4, 6))
    """
    rows, columns = ceil(height / side), ceil(width / side)
    if rows * columns > MOST_SQUARES:
        rows = max(1, min(rows, round((MOST_SQUARES * height / width) ** 0.5)))
        columns = max(1, min(columns, MOST_SQUARES // rows))
    return rows, columns


def _start(index: int, count: int, length: int, side: int) -> int:
    """Where the square in the middle of the ``index``-th of ``count`` regions begins; inside, and even where it can."""
    middle = (index + 0.5) * length / count
    return min(max(0, 2 * round((middle - side / 2) / 2)), length - side)


def _regressor(scorer: Scorer, scale: Scale) -> Regressor | None:
    """The one in use where it was fitted on squares, else the bundle's if it has the same scale."""
    plan, _ = scorer.picture_and_display
    if not plan.whole:
        return scorer.regressor
    if CROPS.name not in scorer.bundle.picture_plans:
        return None
    regressor = scorer.bundle.regressor(CROPS.name)
    return regressor if regressor.scale.same_range(scale) else None
