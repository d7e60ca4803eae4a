"""Which pixels of a frame a score rests on: the whole picture at two scales, or a few squares of it at two scales.

``whole`` is the published protocol (CONVIQT, section III-A): its cost grows with the picture, 424 GFLOP for a 1080p
frame. ``crops`` looks at squares of native resolution, so a frame costs the same at 360p and at 2160p; what it gives up
is what no square happens to cover. Features of squares are averaged before they are normalised, as the network averages
over the positions of a whole picture.

Squares come in eights: the same place in each of the eight ways to turn and mirror the picture, and turned and mirrored
like that themselves. Two that follow each other see the same in a picture and in its mirror image, and eight see the
same in all its turns, so the scores are the same.

Regressors, intervals and diagnosis heads belong to a picture plan as they belong to an encoder: squares see more of the
zero padding at their borders than whole pictures do, which shifts features a little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import UsageError
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.video.picture import Rectangle

#: The fractional parts of multiples of these two numbers spread points over a square more evenly than chance does
#: (the R2 sequence: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
_SPREAD_X, _SPREAD_Y = 0.7548776662466927, 0.5698402909980532

#: Which multiple is the first: from here on, the squares of a picture and of its turned and mirrored images leave the
#: smallest gaps, the first eight, sixteen and thirty-two of them.
_FIRST = 138

#: A still picture, or a video of one frame, is given this many times the squares that a frame of a video gets.
STILL_FACTOR = 4

#: The least lines that a picture is scaled to by ``auto``: the size people watch at.
WATCHED_LINES = 1080


@dataclass(frozen=True)
class View:
    """One of the eight ways to look at a picture: ``turned`` over its diagonal, then ``mirrored``, then ``flipped``.

    The names are those of swapping rows and columns, of reversing the columns, and of reversing the rows.
    """

    turned: bool = False
    mirrored: bool = False
    flipped: bool = False

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pixels (..., height, width, 3) seen this way, without a copy."""
        seen = pixels.swapaxes(-3, -2) if self.turned else pixels
        return seen[..., :: -1 if self.flipped else 1, :: -1 if self.mirrored else 1, :]

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a picture seen this way."""
        return (width, height) if self.turned else (height, width)

    def back(self, seen: Rectangle, height: int, width: int) -> Rectangle:
        """Where a part of the picture as ``seen`` lies in the picture itself, which has this size."""
        rows, columns = self.size(height, width)
        x = columns - seen.width - seen.x if self.mirrored else seen.x
        y = rows - seen.height - seen.y if self.flipped else seen.y
        if self.turned:
            return Rectangle(y, x, seen.height, seen.width)
        return Rectangle(x, y, seen.width, seen.height)


#: All eight. Each two that follow each other are how a picture and its mirror image look in one way, so that the two
#: squares of a frame see the same in both.
VIEWS = (
    View(),
    View(mirrored=True),
    View(flipped=True),
    View(mirrored=True, flipped=True),
    View(turned=True),
    View(turned=True, flipped=True),
    View(turned=True, mirrored=True),
    View(turned=True, mirrored=True, flipped=True),
)


@dataclass(frozen=True)
class Square:
    """A square of a picture, and the way in which it is looked at."""

    place: Rectangle
    view: View


@dataclass(frozen=True)
class PicturePlan:
    """What is looked at of each clip.

    Args:
        name: ``whole`` or ``crops``.
        side: side of a square in pixels; smaller pictures give smaller squares.
        count: squares of a frame, each at full and at half size; 0 for the whole picture.
        step: of a clip's frames every ``step``-th is looked at.
    """

    name: str
    side: int = 0
    count: int = 0
    step: int = 1

    @property
    def id(self) -> str:
        """Identity of the features: those of two plans with one id may be mixed."""
        return self.name if self.whole else f"{self.name}-{self.side}-{self.count}-{self.step}-turned"

    @property
    def whole(self) -> bool:
        """Whether all pixels are looked at."""
        return self.count == 0

    def squares(self, height: int, width: int, clip: int, look: int = 0, still: bool = False) -> list[Square]:
        """The squares of a picture of this size, for the ``clip``-th clip of a video (counted from 0).

        They move on with each frame that is looked at, the ``look``-th of its clip, so that a video is covered more and
        more. The same for every video of this size, and on every device. A ``still`` picture gets
        :data:`STILL_FACTOR` times as many.
        """
        count = self.count * STILL_FACTOR if still else self.count
        turn = clip if still else clip * len(self.frames(CLIP_LENGTH)) + look
        return [self._square(height, width, index) for index in range(turn * count, (turn + 1) * count)]

    def _square(self, height: int, width: int, index: int) -> Square:
        side = min(self.side, height, width)
        group, number = divmod(index, len(VIEWS))
        view = VIEWS[number]
        rows, columns = view.size(height, width)
        x, y = (0.5 + (_FIRST + group) * spread for spread in (_SPREAD_X, _SPREAD_Y))
        seen = Rectangle(_place(x, columns, side), _place(y, rows, side), side, side)
        return Square(view.back(seen, height, width), view)

    def frames(self, count: int) -> Sequence[int]:
        """Which of a clip's ``count`` frames are looked at."""
        return range(0, count, self.step)

    def to_dict(self) -> dict[str, int | str]:
        """JSON-ready."""
        if self.whole:
            return {"name": self.name}
        return {"name": self.name, "side": self.side, "count": self.count, "step": self.step}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> PicturePlan:
        """What :meth:`to_dict` gave; raises ``KeyError`` or ``TypeError`` for anything else."""
        sizes = {key: int(facts[key]) for key in ("side", "count", "step") if key in facts}
        return cls(str(facts["name"]), **sizes)


WHOLE = PicturePlan("whole")
#: Two squares, and two frames of a clip, are enough: more squares (3, 4), more frames (every fourth or second) agree no
#: better with people or VMAF (see the model card).
CROPS = PicturePlan("crops", side=256, count=2, step=8)

#: The plans that can be asked for. To add one, name it here and fit a regressor for it.
PICTURE_PLANS = {plan.name: plan for plan in (CROPS, WHOLE)}


def parse_picture(name: str) -> PicturePlan:
    """The plan of this name; raises :class:`UsageError` for an unknown one."""
    if name not in PICTURE_PLANS:
        raise UsageError(f"picture plan {name}: choose {' or '.join(PICTURE_PLANS)}", setting="picture")
    return PICTURE_PLANS[name]


@dataclass(frozen=True)
class Display:
    """The size at which a picture is looked at: with ``lines`` on its short side, ``None`` for its own size.

    With ``at_least``, pictures that are larger keep their size.
    """

    lines: int | None = None
    at_least: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which a picture of this size is looked at."""
        short = min(height, width)
        if self.lines is None or short == self.lines or (self.at_least and short > self.lines):
            return height, width
        scale = self.lines / short
        return max(16, round(height * scale)), max(16, round(width * scale))

    def __str__(self) -> str:
        """As :func:`parse_display` reads it."""
        return "source" if self.lines is None else "auto" if self.at_least else str(self.lines)


SOURCE = Display()


def parse_display(text: str) -> Display:
    """``source``, ``auto`` (at least :data:`WATCHED_LINES` lines) or a number of lines, 64 to 8640.

    Raises :class:`UsageError` for anything else.
    """
    if text == "source":
        return SOURCE
    if text == "auto":
        return Display(WATCHED_LINES, at_least=True)
    if text.isascii() and text.isdigit() and 64 <= int(text) <= 8640:
        return Display(int(text))
    raise UsageError(
        f"display {text}: choose source, auto, or a number of lines from 64 to 8640 (such as 1080)", setting="display"
    )


def _place(share: float, length: int, side: int) -> int:
    """Where a square of ``side`` begins along ``length`` pixels; the fraction of ``share`` is where its centre lies.

    Centres are spread over the whole length and what would stick out is moved inside, so that rims are seen as often as
    the middle. Even where it can be, which keeps the chroma samples of 4:2:0 video together.
    """
    start = share % 1.0 * length - side / 2
    return min(max(0, 2 * round(start / 2)), length - side)
