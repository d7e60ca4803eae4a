"""Black bars: where the picture lies inside its frame.

A letterboxed or pillarboxed file stores a picture with black around it. A few frames spread over the part to be scored
are looked at first; :func:`find_bars` gathers from them which rectangles the picture is in. Then every clip is compared
with those (:meth:`Bars.area`): what is cut away is black in the clip itself, so nothing but bars is ever lost, and
bars that come and go are followed.

What tells a bar from a dark scene is its inner edge: straight, the same in several frames, and with most of the
picture's breadth lit up right behind it. Titles on black, a night sky and a vignette have no such edge.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import ConviqtError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.colour import filters
from conviqt_cli.video.picture import Picture, Rectangle, RgbPicture
from conviqt_cli.video.probe import VideoInfo

#: Places to look at, as shares of the part to be scored; the first :data:`_FIRST_LOOKS` often suffice.
_PLACES = (0.5, 0.12, 0.88, 0.3, 0.7, 0.05, 0.95, 0.4, 0.6, 0.2)
_FIRST_LOOKS = 4

#: So many different key frames without bars are enough to say that there are none.
_KEY_FRAMES = 3

#: A part this short, in seconds, is looked through from its beginning; in a longer one the places are sought.
_SHORT = 3.0

#: Most seconds spent on looking.
_PATIENCE = 60.0

#: Lightest base level of a bar, and how far above it (luma, 0 to 255) a pixel belongs to the picture.
_BLACK, _MARGIN = 32, 12

#: A row with more than ``_STRAY`` of its pixels lit is not quite black. Across the edge of a bar, ``_LIT`` more of a
#: row's pixels are lit, in a single frame ``_LIT_ALONE``.
_STRAY, _LIT, _LIT_ALONE = 0.02, 0.5, 0.8

#: How many rows compression makes an edge ring into a bar.
_RINGING = 16

#: Rows along the picture that do not count when a bar is examined.
_RIM = 8

#: Bars together take at least this share of a side; thinner ones are left alone.
_THINNEST = 0.02

#: What is left must have this many pixels on each side, and this share of the whole area: a telephone's upright
#: picture in a wide frame has 0.32, a cinema picture in an upright frame 0.24.
_SHORTEST_SIDE, _SMALLEST_SHARE = 64, 0.2

#: A bar without its like on the other side takes at most this share of the picture's side: half a frame of black is
#: more likely a part of the picture, a dark wall or a call's camera that is off.
_WIDEST_ASIDE = 0.25

#: Pictures with a shorter side than this are not looked at; they are warned of as small anyway.
_SMALLEST_PICTURE = 96

#: Share of a strip that may be lit and still be cut away: strictly, and where nearly all looks agreed on the bars
#: (subtitles and logos are shown on bars).
_STRICT, _LENIENT = 0.01, 0.1


@dataclass(frozen=True)
class Bars:
    """Rectangles that the picture is in, smallest first, and the luma above which a pixel is no part of a bar.

    ``steady`` says that nearly all frames looked at agreed on one rectangle.
    """

    areas: tuple[Rectangle, ...] = ()
    level: int = _MARGIN
    steady: bool = False

    def area(self, pictures: Sequence[Picture]) -> Rectangle | None:
        """The smallest rectangle that holds what these pictures show; ``None`` for the whole."""
        allowed = _LENIENT if self.steady else _STRICT
        for area in self.areas:
            if all(_lit_outside(picture, area, self.level) <= allowed for picture in pictures):
                return area
        return None


@dataclass(frozen=True)
class _Look:
    """One frame: its picture's rectangle, the share lit behind its weakest edge, its base level, and a fingerprint."""

    area: Rectangle
    straightness: float
    level: int
    print: bytes


def find_bars(info: VideoInfo, start: float, length: float | None, timeout: float) -> Bars:
    """Look for bars from ``start`` seconds on, for ``length`` seconds (``None``: not known).

    A frame that cannot be had is passed over: whatever is wrong with the file is for decoding to say. Returns no areas
    when there are no bars.
    """
    if min(info.width, info.height) < _SMALLEST_PICTURE:
        return Bars()
    deadline = time.monotonic() + min(_PATIENCE, timeout)
    if (
        length is not None
        and length > _SHORT
        and info.frame_count != 1
        and _plainly_none(info, start, length, deadline)
    ):
        return Bars()
    looks: list[_Look] = []
    for seen, picture in enumerate(_pictures(info, start, length, deadline), 1):
        look = _look(picture)
        if look is not None:
            looks.append(look)
        # Ordinary videos are done with after a few frames; none of them may be too dark to tell.
        if seen == _FIRST_LOOKS == len(looks) and all(_is_whole(each.area, info) for each in looks):
            break
    return _gather(looks, info)


def _plainly_none(info: VideoInfo, start: float, length: float, deadline: float) -> bool:
    """Whether a few key frames show that there are no bars: the usual case, at a fraction of the time."""
    prints: set[bytes] = set()
    for place in _PLACES[:_FIRST_LOOKS]:
        for picture in _decoded(info, [], start + place * length, 1, deadline, keys=True):
            look = _look(picture)
            if look is None or not _is_whole(look.area, info):
                return False
            prints.add(look.print)
    return len(prints) >= _KEY_FRAMES


def _gather(looks: list[_Look], info: VideoInfo) -> Bars:
    """The rectangles that enough frames agree on."""
    groups: list[list[_Look]] = []
    for look in looks:
        near = next((group for group in groups if _near(group[0].area, look.area, info)), None)
        if near is None:
            groups.append([look])
        else:
            near.append(look)
    areas = []
    alone = len({look.print for look in looks}) == 1
    for group in groups:
        # Of edges that differ by a pixel or two, the outer one: the inner is where a dark rim hides the edge.
        left, top = min(look.area.x for look in group), min(look.area.y for look in group)
        right = max(look.area.x + look.area.width for look in group)
        bottom = max(look.area.y + look.area.height for look in group)
        area = Rectangle(left, top, right - left, bottom - top)
        enough = len({look.print for look in group}) >= 2
        if alone:
            enough = max(look.straightness for look in group) >= _LIT_ALONE and _is_centred(area, info)
        elif not _is_centred(area, info):
            most = len(group) >= 4 and len(group) >= 0.8 * len(looks)
            enough = enough and most and _aside(area, info) <= _WIDEST_ASIDE
        if enough and not _is_whole(area, info):
            areas.append(area)
    areas.sort(key=lambda each: each.width * each.height)
    steady = len(groups) > 0 and len(areas) == 1 and max(len(group) for group in groups) >= 0.6 * len(looks)
    return Bars(tuple(areas), max((look.level for look in looks), default=0) + _MARGIN, steady)


def _look(picture: RgbPicture) -> _Look | None:
    """Find the picture in one frame; ``None`` when the frame is too dark to tell."""
    luma = picture.luma()
    height, width = luma.shape
    sides = (luma[:2], luma[-2:], luma[:, :2], luma[:, -2:])
    level = int(min(np.median(side) for side in sides))
    fingerprint = luma[:: max(1, height // 32), :: max(1, width // 32)].tobytes()
    whole = _Look(Rectangle(0, 0, width, height), 1.0, min(level, _BLACK), fingerprint)
    if level > _BLACK:
        return whole
    lit = luma > level + _MARGIN
    if lit.mean() < _STRAY:
        return None
    # Roughly first, so that edges are measured along the picture alone.
    rows = _extent(lit.mean(1))
    columns = _extent(lit[rows].mean(0))
    rows = _extent(lit[:, columns].mean(1))
    across, down = luma[:, columns], luma[rows].T
    top, bottom, upright = _pair(across, level)
    left, right, sideways = _pair(down, level)
    area = Rectangle(left, top, width - left - right, height - top - bottom)
    big_enough = min(area.width, area.height) >= _SHORTEST_SIDE
    if not big_enough or area.width * area.height < _SMALLEST_SHARE * width * height or not _flat(picture, luma, area):
        return whole
    return _Look(area, min(upright, sideways), level, fingerprint)


def _extent(shares: NDArray[np.float64]) -> slice:
    """From the first to the last row (or column) that is not black."""
    found = np.flatnonzero(shares > _STRAY)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, len(shares))


def _pair(luma: NDArray[np.uint8], level: int) -> tuple[int, int, float]:
    """Rows of bar at the beginning and at the end, and how straight the less straight edge is."""
    first, depth, share = _edge(luma, level)
    last, height, other = _edge(luma[::-1], level)
    # Where the picture itself is black at one edge, the bar there is taken to be as wide as the one opposite.
    if depth and not height and last >= depth - 2:
        height = depth
    elif height and not depth and first >= height - 2:
        depth = height
    if depth + height < max(4, _THINNEST * len(luma)):
        return 0, 0, 1.0
    return depth, height, min(share, other)


def _edge(luma: NDArray[np.uint8], level: int) -> tuple[int, int, float]:
    """Find where the picture begins, from the outside in.

    Returns the number of rows that are quite black; the even number of rows that are bar, 0 when the picture begins at
    once or gradually; and the share of the edge's breadth at which it is sharp. Compression makes an edge soft and
    lets it ring, as far as its blocks reach, so the sharpest step within :data:`_RINGING` rows is taken.
    """
    black = (luma[: len(luma) // 2] > level + _MARGIN).mean(1) <= _STRAY
    first = int(np.argmin(black)) if not black.all() else len(black)
    if first < 2:
        return first, 0, 1.0
    near = luma[max(0, first - 4) : first + _RINGING + 4]
    inside = int(np.median(near, axis=1).max())
    lit = (near > level + max(_MARGIN, 0.3 * (inside - level))).mean(1)
    steps = lit[3:] - lit[:-3]
    if not len(steps) or steps.max() < _LIT:
        return first, 0, 1.0
    best = int(np.argmax(steps))
    middle = (lit[best] + lit[best + 3]) / 2
    depth = max(0, first - 4) + best + int(np.argmax(lit[best : best + 4] >= middle))
    return first, depth + depth % 2, float(steps.max())


def _flat(picture: RgbPicture, luma: NDArray[np.uint8], area: Rectangle) -> bool:
    """Whether what lies outside is of one dark grey, as bars are and shadows are not."""
    for strip in _outside(picture, area, _RIM):
        if strip.of(luma).std() > 6 or np.ptp(picture.rgb(strip).reshape(-1, 3).mean(0)) > 10:
            return False
    return True


def _outside(picture: Picture, area: Rectangle, gap: int = 0) -> list[Rectangle]:
    """What lies above, below, left and right of the area, leaving out ``gap`` pixels along it."""
    top, bottom = max(0, area.y - gap), min(picture.height, area.y + area.height + gap)
    left, right = max(0, area.x - gap), min(picture.width, area.x + area.width + gap)
    strips = (
        Rectangle(0, 0, picture.width, top),
        Rectangle(0, bottom, picture.width, picture.height - bottom),
        Rectangle(0, top, left, bottom - top),
        Rectangle(right, top, picture.width - right, bottom - top),
    )
    return [strip for strip in strips if strip.width and strip.height]


def _lit_outside(picture: Picture, area: Rectangle, level: int) -> float:
    """The largest share of lit pixels in any strip outside; its soft rim does not count."""
    shares = [float((picture.part(strip).luma(2, 2) > level).mean()) for strip in _outside(picture, area, _RIM)]
    return max(shares, default=0.0)


def _is_whole(area: Rectangle, info: VideoInfo) -> bool:
    return (area.width, area.height) == (info.width, info.height)


def _near(one: Rectangle, other: Rectangle, info: VideoInfo) -> bool:
    room = max(4.0, 0.01 * max(info.width, info.height))
    edges = (
        (one.x, other.x), (one.x + one.width, other.x + other.width),
        (one.y, other.y), (one.y + one.height, other.y + other.height),
    )  # fmt: skip
    return all(abs(a - b) <= room for a, b in edges)


def _is_centred(area: Rectangle, info: VideoInfo) -> bool:
    """Whether opposite bars are about equally wide."""
    across = abs(2 * area.x + area.width - info.width) <= max(4.0, 0.02 * info.width)
    return across and abs(2 * area.y + area.height - info.height) <= max(4.0, 0.02 * info.height)


def _aside(area: Rectangle, info: VideoInfo) -> float:
    """How much wider a bar is than the one opposite, as a share of the side."""
    across = abs(2 * area.x + area.width - info.width) / info.width
    return max(across, abs(2 * area.y + area.height - info.height) / info.height)


def _pictures(info: VideoInfo, start: float, length: float | None, deadline: float) -> Iterator[RgbPicture]:
    """Frames to look at, as many as can be had."""
    if length is not None and length > _SHORT and info.frame_count != 1:
        found = 0
        for place in _PLACES:
            for picture in _decoded(info, [], start + place * length, 1, deadline):
                found += 1
                yield picture
        if found:
            return
    step = 25 if length is None else max(1, round(length * float(info.fps or 25) / len(_PLACES)))
    yield from _decoded(info, [f"select='not(mod(n,{step}))'"], start, len(_PLACES), deadline)


def _decoded(
    info: VideoInfo, chosen: list[str], at: float, count: int, deadline: float, keys: bool = False
) -> Iterator[RgbPicture]:
    """Up to ``count`` frames from ``at`` seconds on, as scoring sees them, of those that ``chosen`` filters leave.

    With ``keys``, key frames, the first one from before ``at``.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        return
    with contextlib.suppress(ConviqtError), ffmpeg.opened(info.source) as (options, name, descriptors):
        command = ffmpeg.look_command(options, name, info.stream, [*chosen, *filters(info)], at, count, keys)
        for data in ffmpeg_process.pictures(command, descriptors, info.frame_bytes, left):
            yield RgbPicture(np.frombuffer(data, np.uint8).reshape(info.height, info.width, 3))
