"""Which pixels of a frame a score rests on: the whole picture at two scales, or a few squares of each.

``whole`` is the published protocol (CONVIQT, section III-A): its cost grows with the picture, 424 GFLOP for a 1080p
frame. ``crops`` looks at squares of native resolution, so a frame costs the same at 360p and at 2160p; what it gives up
is what no square happens to cover. Features of squares are averaged before they are normalised, as the network averages
over the positions of a whole picture.

Regressors, intervals and diagnosis heads belong to a picture plan as they belong to an encoder: squares see more of the
zero padding at their borders than whole pictures do, which shifts features a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conviqt_cli.errors import UsageError

#: The fractional parts of multiples of these two numbers spread points over a square more evenly than chance does
#: (the R2 sequence: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
_SPREAD_X, _SPREAD_Y = 0.7548776662466927, 0.5698402909980532

#: A still picture, or a video of one frame, is given this many times the squares that a frame of a video gets.
STILL_FACTOR = 4


@dataclass(frozen=True)
class Square:
    """A square part of a picture: ``top`` and ``left`` corner and ``side``, in pixels of the scale it is cut from."""

    top: int
    left: int
    side: int


@dataclass(frozen=True)
class PicturePlan:
    """What is looked at of each frame.

    Args:
        name: ``whole`` or ``crops``.
        side: side of a square in pixels, at either scale; pictures with less give smaller squares.
        full: squares of the full-size picture; 0 for the whole picture.
        half: squares of the half-size picture; 0 for the whole picture.
        step: of a clip's frames every ``step``-th is looked at.
    """

    name: str
    side: int = 0
    full: int = 0
    half: int = 0
    step: int = 1

    @property
    def id(self) -> str:
        """Identity of the features: those of two plans with one id may be mixed."""
        return self.name if self.name == "whole" else f"{self.name}-{self.side}-{self.full}-{self.half}-{self.step}"

    @property
    def whole(self) -> bool:
        """Whether all pixels are looked at."""
        return self.full == 0

    def squares(self, height: int, width: int, count: int, clip: int) -> list[Square]:
        """``count`` squares of a picture of this size, for the ``clip``-th clip of a video (counted from 0).

        They stay where they are for the length of a clip and move on with the next, so that a video is covered more and
        more. The same for every video of this size, and on every device.
        """
        side = min(self.side, height, width)
        first = clip * count + 1
        found = []
        for index in range(first, first + count):
            across, down = (0.5 + index * _SPREAD_X) % 1.0, (0.5 + index * _SPREAD_Y) % 1.0
            # Even corners keep the chroma samples of 4:2:0 video together.
            found.append(Square(2 * round(down * (height - side) / 2), 2 * round(across * (width - side) / 2), side))
        return [Square(min(s.top, height - side), min(s.left, width - side), side) for s in found]

    def frames(self, count: int) -> Sequence[int]:
        """Which of a clip's ``count`` frames are looked at."""
        return range(0, count, self.step)

    def to_dict(self) -> dict[str, int | str]:
        """JSON-ready."""
        if self.whole:
            return {"name": self.name}
        return {"name": self.name, "side": self.side, "full": self.full, "half": self.half, "step": self.step}


WHOLE = PicturePlan("whole")
CROPS = PicturePlan("crops", side=256, full=2, half=1, step=2)

#: The plans that can be asked for. To add one, name it here and fit a regressor for it.
PICTURE_PLANS = {plan.name: plan for plan in (CROPS, WHOLE)}


def picture_plan(name: str) -> PicturePlan:
    """The plan of this name; raises :class:`UsageError` for an unknown one."""
    if name not in PICTURE_PLANS:
        raise UsageError(f"unknown picture plan {name!r}; choose one of {', '.join(PICTURE_PLANS)}")
    return PICTURE_PLANS[name]
