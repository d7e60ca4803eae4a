"""Combing: two fields of different times woven into one picture, in video that is not marked as interlaced.

Where something moves, every other line of such a picture belongs to another moment. So the lines alternate there, far
more than the lines of either field alone do; detail and noise of a progressive picture alternate in both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Mask
from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.events import Event, event, runs
from conviqt_cli.scoring.results import Note

#: Frames of a clip that are looked at: a film with its fields spread over five frames combs two of them.
_FRAMES = 6

#: About how many columns of a picture are looked at.
_COLUMNS = 256

#: A pixel moves when it differs by more than this (0 to 255) from the frame before; so much of a picture has to move.
_MOTION, _MOVING = 10, 0.003

#: A pixel alternates when it differs from both neighbours, in the same direction, by more than this.
_STEP = 8

#: A frame is combed when so much of what moves alternates from line to line, and so many times what alternates from
#: each second line to the next.
_COMBED, _TIMES_DETAIL = 0.06, 1.5

#: Share of moving frames that must be combed, and the fewest that must move, for it to be said.
_SHARE, _FEWEST = 0.25, 4

#: A single clip says it, whatever the rest of the video is like, where this share of so many moving frames is combed.
_SHARE_OF_ONE = 0.8


def combed_frames(clip: Clip) -> tuple[int, int]:
    """How many of a clip's frames are combed, and how many move, of those that are looked at: a millisecond each.

    Frames that are repeated do not move.
    """
    pictures = [frame.picture for frame in clip.frames[:_FRAMES]]
    if pictures[0].height < 8:
        return 0, 0
    # Luma: colour is stored in half the lines, which green would inherit.
    luma = [each.luma(1, max(1, each.width // _COLUMNS)).astype(np.int16) for each in pictures]
    seen = [is_combed(a, b) for a, b in itertools.pairwise(luma) if a.shape == b.shape]
    return sum(map(bool, seen)), sum(each is not None for each in seen)


class Combing:
    """Knows, of what was seen in one video's clips, whether to warn of it."""

    def __init__(self) -> None:
        self._combed = self._moving = 0
        self._plain = False
        self._clips: list[tuple[float, float, bool]] = []

    def add(self, start: float, end: float, combed: int, moving: int) -> None:
        """The next clip, by its times and :func:`combed_frames`; without frames that move it counts for nothing."""
        self._moving += moving
        self._combed += combed
        self._plain |= moving >= _FEWEST and combed >= _SHARE_OF_ONE * moving
        if moving:
            self._clips.append((start, end, combed >= _SHARE * moving))

    def notes(self, interlaced: bool) -> Iterator[Note]:
        """A warning, unless the video is marked as ``interlaced`` anyway."""
        if not self._is_combed(interlaced):
            return
        yield Note(
            "combing",
            f"{self._combed / self._moving:.0%} of the moving frames show two moments in alternating lines: probably "
            "interlaced video that is not marked as such; scored as stored, without deinterlacing",
        )

    def events(self, interlaced: bool) -> Iterator[Event]:
        """Where that is, to the length of a clip and the gaps beside it; clips that do not move count for nothing."""
        if not self._is_combed(interlaced):
            return
        what = "two moments in alternating lines (combing, as of interlaced video that is not marked as such)"
        throughout = all(combed for _, _, combed in self._clips)
        for start, end in runs(self._clips):
            yield event("combing", what, start, end, about=True, throughout=throughout)

    def _is_combed(self, interlaced: bool) -> bool:
        enough = self._moving >= _FEWEST and self._combed >= _SHARE * self._moving
        return not interlaced and (enough or self._plain)


def is_combed(before: NDArray[np.int16], picture: NDArray[np.int16]) -> bool | None:
    """Whether ``picture`` (height, width) is woven of two fields; ``None`` where too little moves since ``before``."""
    moving = np.abs(picture - before) > _MOTION
    if moving.mean() < _MOVING:
        return None
    lines = _alternating(picture[:-2], picture[1:-1], picture[2:]) & moving[1:-1]
    own = _alternating(picture[:-4], picture[2:-2], picture[4:]) & moving[2:-2]
    share = lines.sum() / max(1, moving[1:-1].sum())
    detail = own.sum() / max(1, moving[2:-2].sum())
    return bool(share > max(_COMBED, _TIMES_DETAIL * detail))


def _alternating(above: NDArray[np.int16], line: NDArray[np.int16], below: NDArray[np.int16]) -> Mask:
    """Where a line leaves both its neighbours in one direction, by far more than they differ from each other."""
    up, down = above - line, below - line
    least = np.minimum(np.abs(up), np.abs(down))
    alternating: Mask = (np.sign(up) == np.sign(down)) & (least > _STEP) & (2 * np.abs(above - below) < least)
    return alternating
