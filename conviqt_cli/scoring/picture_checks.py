"""What is in the picture: nothing, a test pattern, or the same thing all the time.

Blank, frozen and test pictures get scores like any others; who reads the score should know. Only frames that are scored
are examined, as they go by, at well below a millisecond each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.events import Coverage, Event, event
from conviqt_cli.scoring.flicker import Flicker, light
from conviqt_cli.scoring.motion import Motion
from conviqt_cli.scoring.results import Note
from conviqt_cli.video.decode import Frame

#: Shortest stretch that is reported, in seconds, and the fewest frames it has.
SHORTEST, FEWEST = 0.5, 6

#: A stretch that covers this share of what was scored counts as all of it.
ALL = 0.95

#: Most stretches named in a warning.
_NAMED = 3

#: About how many rows and columns of a picture are compared, all of its pixels being far more than is needed.
_ROWS, _COLUMNS = 270, 480

#: Blocks of a blank picture differ by at most this much (0 to 255), its pixels from their mean as a rule by this.
_BLANK_BLOCKS, _BLANK_PIXELS = 6.0, 12.0

#: Between two frames of a frozen video, no pixel differs by more than coding noise, and few by more than rounding; at
#: least this share of the frames of a stretch equals the one before. (What a camera on a tripod sees differs in every
#: frame, by its noise, unless compression has taken that away.)
_STILL_PIXEL, _STILL_MEAN, _EQUAL = 24, 0.06, 0.3

#: Where a stretch begins amid movement, from one frame to the next, none of its frames needs to equal another: a
#: lightly compressed one is refined from frame to frame. The change is then at most this share of that before, and
#: never more than so much: after a quick movement a slow one is no standstill. What slows down before it stands is left
#: to be what it looks like: a camera that halts.
_HELD, _HELD_MOST = 1 / 12, 0.25

#: A key frame may show a frozen picture slightly differently: one such step after so many frames ends no stretch.
_PULSE_PIXEL, _PULSE_MEAN, _PULSE_AFTER = 64, 3.5, 10

#: Columns of a test pattern from left to right: white, yellow, cyan, green, magenta, red, blue (SMPTE EG 1, EBU 3325).
_COLOUR_BARS = ((1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1))


@dataclass
class _Stretch:
    """Frames in a row that have something in common: times in seconds, and how many there are."""

    start: float
    end: float
    frames: int = 1
    equal: int = 0
    abrupt: bool = False


@dataclass
class _Stretches:
    """Collects stretches as frames go by."""

    done: list[_Stretch] = field(default_factory=list)
    current: _Stretch | None = None

    def add(self, frame: Sight, before: Sight | None = None) -> None:
        """The frame belongs to the stretch; where it begins one, ``before`` does too."""
        if self.current is None:
            self.current = _Stretch((before or frame).time, 0.0, 0 if before is None else 1)
        self.current.end = frame.time + frame.duration
        self.current.frames += 1

    def end(self) -> None:
        """The next frame does not belong to it."""
        if self.current is not None:
            self.done.append(self.current)
        self.current = None

    def found(self) -> list[_Stretch]:
        """Those long enough to be reported."""
        self.end()
        return [each for each in self.done if each.frames >= FEWEST and each.end - each.start >= SHORTEST - 1e-6]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen in one frame, shown from ``time`` seconds on for ``duration`` seconds.

    ``colour`` is that of a blank picture, ``pattern`` says that it shows colour bars. ``change`` is the largest and the
    mean difference (0 to 255) from the frame looked at before; ``None`` where the two cannot be compared, as for a
    blank or a test picture. ``light`` is its brightness (:func:`~conviqt_cli.scoring.flicker.light`).
    """

    index: int
    time: float
    duration: float
    colour: str | None
    pattern: bool
    change: tuple[int, float] | None
    light: NDArray[np.float32]


class Sights:
    """Looks at the frames of one video's clips, in order."""

    def __init__(self) -> None:
        self._before: tuple[int, NDArray[np.uint8]] | None = None

    def of(self, clip: Clip) -> tuple[Sight, ...]:
        """What its frames show; those that it shares with the clip before are left out."""
        return tuple(
            self._look(frame) for frame in clip.frames if self._before is None or frame.index > self._before[0]
        )

    def _look(self, frame: Frame) -> Sight:
        picture = frame.picture
        sample = picture.luma(max(1, picture.height // _ROWS), max(1, picture.width // _COLUMNS))
        coarse = picture.sample(max(1, picture.height // 48), max(1, picture.width // 64))
        colour = _blank_colour(coarse)
        pattern = colour is None and _is_colour_bars(coarse)
        change = None
        if self._before is not None and colour is None and not pattern and self._before[1].shape == sample.shape:
            earlier = self._before[1]
            differences = np.maximum(earlier, sample) - np.minimum(earlier, sample)
            change = int(differences.max()), float(differences.mean())
        self._before = (frame.index, np.ascontiguousarray(sample))
        return Sight(frame.index, frame.time, frame.duration, colour, pattern, change, light(sample))


class PictureChecks:
    """Knows, of what was seen in one video's frames, what to warn of."""

    def __init__(self) -> None:
        self._blank, self._frozen, self._pattern = _Stretches(), _Stretches(), _Stretches()
        self._colours: set[str] = set()
        self._before: Sight | None = None
        self._pulsed = False
        self._frames = 0
        self._coverage, self._motion, self._flicker = Coverage(), Motion(), Flicker()

    def notes(self) -> Iterator[Note]:
        """Warnings about what was seen."""
        for code, what, stretches in self._kinds():
            found, throughout = self._found(code, stretches)
            if throughout:
                yield Note(code, f"{what} from beginning to end")
            elif found:
                times = [f"{each.start:.2f} to {each.end:.2f} s" for each in found[:_NAMED]]
                more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
                yield Note(code, f"{what} from {', '.join(times)}{more}")

    def events(self) -> Iterator[Event]:
        """The same stretches one by one, then those that flicker, those with repeated frames, and cuts."""
        for code, what, stretches in self._kinds():
            found, throughout = self._found(code, stretches)
            if throughout:
                yield event(code, what, self._coverage.start, self._coverage.end, throughout=True)
            else:
                for each in found:
                    about = self._coverage.vague(each.start, each.end)
                    yield event(code, what, each.start, each.end, about)
        whole = self._coverage.end - self._coverage.start
        for start, end in self.flickering():
            throughout = end - start >= ALL * whole
            yield event("flicker", "the brightness flickers", start, end, throughout=throughout)
        yield from self._motion.events()

    def flickering(self) -> list[tuple[float, float]]:
        """Stretches whose brightness flickers, as start and end in seconds."""
        return self._flicker.stretches()

    def _kinds(self) -> Iterator[tuple[str, str, _Stretches]]:
        colour = next(iter(self._colours)) if len(self._colours) == 1 else "a single colour"
        yield "blank", f"the picture is blank ({colour})", self._blank
        yield "test_pattern", "the picture is a test pattern (colour bars)", self._pattern
        yield "frozen", "the picture stands still", self._frozen

    def add(self, sight: Sight) -> None:
        """The next frame that was looked at."""
        self._frames += 1
        follows = self._coverage.add(sight.index, sight.time, sight.time + sight.duration)
        if sight.colour is not None:
            self._colours.add(sight.colour)
            self._blank.add(sight)
        else:
            self._blank.end()
        self._pattern.add(sight) if sight.pattern else self._pattern.end()
        self._see_change(sight, follows)
        if not follows:
            self._flicker.interrupt()
        self._flicker.see(sight.time, sight.light)
        self._before = sight

    def _see_change(self, sight: Sight, follows: bool) -> None:
        """What has changed since the frame before, which it may or may not directly follow.

        Blank and test pictures are not called frozen as well.
        """
        if not follows:
            self._motion.interrupt()
        if self._before is None or sight.change is None:
            self._frozen.end()
            self._motion.interrupt()
            return
        before, (largest, mean) = self._before, sight.change
        stretch = self._frozen.current
        still = largest <= _STILL_PIXEL and mean <= max(_STILL_MEAN, min(_HELD * self._motion.level, _HELD_MOST))
        if still:
            self._pulsed = False
            self._frozen.add(sight, before)
            assert self._frozen.current is not None
            self._frozen.current.equal += largest == 0
            self._frozen.current.abrupt |= stretch is None and follows and self._motion.steady
        elif (
            stretch and stretch.frames >= _PULSE_AFTER and not self._pulsed
            and largest <= _PULSE_PIXEL and mean <= _PULSE_MEAN
        ):  # fmt: skip
            # Whether it was a pulse, or the picture begins to move, the next frame tells.
            self._pulsed = True
            self._frozen.add(sight)
        else:
            if stretch and self._pulsed:
                stretch.end, stretch.frames = before.time, stretch.frames - 1
            self._pulsed = False
            self._frozen.end()
        if follows:
            self._motion.see(sight, mean, still)

    def _found(self, code: str, stretches: _Stretches) -> tuple[list[_Stretch], bool]:
        """The stretches that are worth naming, and whether together they are the whole video."""
        found = stretches.found()
        moving = code == "frozen"
        if moving:
            found = [each for each in found if each.abrupt or each.equal >= _EQUAL * each.frames]
        frames = sum(each.frames for each in (found if moving else stretches.done))
        # A video shorter than any stretch can be blank from end to end, but one picture cannot be frozen.
        return found, frames > 0 and frames >= ALL * self._frames


def _blank_colour(coarse: NDArray[np.uint8]) -> str | None:
    """``black``, ``white``, ``grey`` or ``a single colour`` for an empty picture (h, w, 3), else ``None``."""
    # Most pictures are told from a blank one by a few of their pixels.
    few = coarse[::8, ::8].reshape(-1, 3)
    if np.ptp(few, axis=0).max() > 4 * _BLANK_PIXELS:
        return None
    pixels = coarse.astype(np.float32)
    height, width = (side - side % 8 if side >= 8 else side for side in coarse.shape[:2])
    step = (min(8, height), min(8, width))
    blocks = pixels[:height, :width].reshape(height // step[0], step[0], width // step[1], step[1], 3).mean((1, 3))
    mean = pixels.mean((0, 1))
    if np.ptp(blocks, axis=(0, 1)).max() > _BLANK_BLOCKS:
        return None
    if np.quantile(np.abs(pixels - mean), 0.99) > _BLANK_PIXELS:
        return None
    if np.ptp(mean) > 12:
        return "a single colour"
    return "black" if mean.mean() < 24 else "white" if mean.mean() > 228 else "grey"


def _is_colour_bars(coarse: NDArray[np.uint8]) -> bool:
    """Whether the upper half of a picture (h, w, 3) is the seven columns of a test pattern."""
    upper = coarse[: len(coarse) // 2]
    row = upper[len(upper) // 2]
    # Every row of the columns looks the same.
    if np.abs(upper[len(upper) // 4].astype(np.int16) - row).max() > 24 or row.max() < 96:
        return False
    if np.abs(upper.astype(np.int16) - row).mean() > 6:
        return False
    bits = [tuple(int(channel > 0.45 * row.max()) for channel in pixel) for pixel in row]
    runs: list[tuple[tuple[int, ...], int]] = []
    for bit in bits:
        if runs and runs[-1][0] == bit:
            runs[-1] = (bit, runs[-1][1] + 1)
        else:
            runs.append((bit, 1))
    # Columns blend at their borders; such slivers are not columns.
    columns = [bit for bit, count in runs if count > 2]
    return any(tuple(columns[at : at + 7]) == _COLOUR_BARS for at in range(len(columns) - 6))
