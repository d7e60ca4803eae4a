"""When each frame of a video is shown, from its packets alone: nothing is decoded, so ten minutes take about a second.

Containers misstate how long their video is, and clocks go back or jump. The packets of the chosen stream say what is
there: which packet holds which frame, when it is shown, where decoding can begin.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

import numpy as np

from conviqt_cli.arrays import Floats, Indices, Mask
from conviqt_cli.errors import DecodeError, InputError, LimitError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.messages import DecoderLog, Line
from conviqt_cli.video.probe import VideoInfo

#: Most packets read of one video.
MAX_PACKETS = 4_000_000

#: A step of the clock longer than this many seconds is a jump, unless the packet before it says it lasts that long.
JUMP_SECONDS = 10.0

#: Packets that may carry a wrong stamp before the clock returns, for them to count as outliers.
OUTLIER_PACKETS = 3

#: Share of packets without a presentation time above which a stream counts as having none.
MAX_UNSTAMPED_SHARE = 0.3

#: Containers round times to a millisecond at worst; frames this close to a common rate's grid lie on it, in seconds.
ROUNDING = 1.1e-3

#: Codecs whose closed groups of pictures can be decoded on their own.
_SEPARABLE = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg2video", "mpeg1video"})

#: Bare streams of pictures: whatever stamps their packets have are made up, and ffmpeg's decoders go without.
_BARE = frozenset(
    {
        "av1", "avs2", "avs3", "cavsvideo", "dirac", "dnxhd", "evc", "h261", "h263", "h264", "hevc", "ingenient", "m4v",
        "mjpeg", "mjpeg_2000", "mpegvideo", "obu", "vc1", "vvc",
    }
)  # fmt: skip

#: Codecs with frames that are never shown; such a packet has the stamp of the one that follows it.
_HIDING = frozenset({"vp8", "vp9", "av1"})

#: A key frame smaller than this many of its neighbours' median is no whole picture: the stream is refreshed bit by bit.
_KEY_TO_INTER_SIZE = 1.5

_DISCARD = 4


@dataclass(frozen=True)
class Timeline:
    """Frames of one stream in the order they are shown.

    ``times`` (n,) are seconds from the stream's first frame, never decreasing; ``durations`` (n,) seconds. ``packets``
    (n,) is the number of the packet that holds each frame, counted from 0 in the order of the file, and ``sizes`` (n,)
    is how many bytes it has. ``keys`` are the numbers of packets at which decoding can begin afresh, ascending;
    ``key_packets`` are all that the file calls key frames. ``typical`` is the usual time between two frames, in
    seconds.

    ``jumps`` counts the places where the clock went back or jumped and was joined. ``stamped`` says that packets carry
    presentation times; without, only the order of decoded frames tells which is which, and ``packets`` means nothing.
    ``new_parameters`` says that a packet brings other parameters than the header's. ``cut_short`` is ffmpeg's message
    when the file ends before it should.
    """

    times: Floats
    durations: Floats
    packets: Indices
    sizes: Indices
    keys: Indices
    typical: float
    key_packets: Indices
    jumps: int = 0
    stamped: bool = True
    new_parameters: bool = False
    cut_short: str | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def end(self) -> float:
        """Seconds from the first frame until the last one ceases to be shown."""
        return float(self.times[-1] + self.durations[-1])

    def even_times(self) -> Floats:
        """(n,) seconds to plan on: what containers round is undone, and a long-held frame counts for little.

        Where all frames lie on the grid of a common rate, their times are those of the grid, so that the same packets
        in another container give the same figures to the last bit.
        """
        snapped = _on_grid(self.times)
        longest = max(JUMP_SECONDS, 10 * self.typical)
        steps = np.diff(snapped, prepend=snapped[:1])
        excess = np.cumsum(np.maximum(steps - longest, 0.0))
        return snapped - excess if excess[-1] else snapped

    def within(self, start: float, duration: float | None, source: str) -> tuple[int, int]:
        """First and last frame of the part from ``start`` seconds on, ``duration`` seconds long (``None``: to the end).

        Raises :class:`InputError` when there is no frame in it, :class:`DecodeError` when the part reaches the end of a
        file that is cut short.
        """
        times = _on_grid(self.times)
        first = int(np.searchsorted(times, start - 1e-6)) if start > 0 else 0
        last = len(times) - 1
        if duration is not None:
            last = int(np.searchsorted(times, max(start, times[0]) + duration - 1e-6)) - 1
        if first >= len(times):
            raise InputError(f"{source}: there is no picture at {start:g} s: the video is {self.end:.2f} s long")
        if last < first:
            raise InputError(f"{source}: no frame begins between {start:g} s and {start + (duration or 0):g} s")
        if self.cut_short and last == len(times) - 1:
            raise DecodeError(
                f"{source}: the file is truncated ({self.cut_short}): "
                f"only {len(self)} frames, {self.end:.2f} s, could be read; get a complete copy"
            )
        return first, last


def read_timeline(info: VideoInfo, timeout: float = 120.0) -> Timeline | None:
    """Read all packets of ``info``'s stream, without decoding; ``None`` where that cannot be done: of a URL.

    Raises :class:`LimitError` when no packet comes for ``timeout`` seconds or more than ``MAX_PACKETS`` come, and what
    opening the file raises.
    """
    if ffmpeg.is_url(info.source):  # it would have to be fetched twice
        return None
    packets, log = _Packets(), DecoderLog()
    with ffmpeg.opened(info.source) as (options, name, descriptors):
        process = ffmpeg_process.start(ffmpeg.packets_command(options, name, info.stream), descriptors, pictures=True)
    try:
        for is_message, line in ffmpeg_process.lines(process, timeout):
            if is_message:
                for message in Line.split(line.decode("utf-8", "replace")):
                    log.add(message)
                continue
            packets.add(line)
            if len(packets) > MAX_PACKETS:
                raise LimitError(f"{info.source}: more than {MAX_PACKETS:,} packets, the limit for one video")
    except TimeoutError:
        raise LimitError(
            f"{info.source}: no data for {timeout:g} s; raise the timeout if the source is just slow"
        ) from None
    finally:
        ffmpeg_process.stop(process)
    return replace(packets.timeline(info), cut_short=log.cut_short) if len(packets) else None


class _Packets:
    """Packets as framecrc prints them, in the order of the file."""

    def __init__(self) -> None:
        self._base = 1.0
        self._new_parameters = False
        self._stamp, self._decode = array("d"), array("d")
        self._duration, self._size, self._flags = array("d"), array("q"), array("b")

    def __len__(self) -> int:
        return len(self._stamp)

    def add(self, line: bytes) -> None:
        """``stream, dts, pts, duration, size, checksum[, flags]...``, or ``#tb 0: 1/90000`` before them."""
        if line.startswith(b"#"):
            if line.startswith(b"#tb 0:"):
                over, _, under = line[6:].partition(b"/")
                self._base = int(over) / int(under)
            return
        fields = line.split(b",", 7)
        if len(fields) < 6:
            return
        self._new_parameters |= b"New Extradata" in line
        stamp, decode = ffmpeg.packet_stamps(int(fields[2]))
        self._stamp.append(stamp)
        self._decode.append(decode)
        self._duration.append(float(fields[3]))
        self._size.append(int(fields[4]))
        flags = fields[6].strip() if len(fields) > 6 else b""
        self._flags.append(int(flags[4:], 16) & 0x7F if flags.startswith(b"F=0x") else 1)

    def timeline(self, info: VideoInfo) -> Timeline:
        flags = np.frombuffer(self._flags, np.int8)
        stamps = np.frombuffer(self._stamp, np.float64) * self._base
        sizes = np.frombuffer(self._size, np.int64)
        durations = np.maximum(np.frombuffer(self._duration, np.float64) * self._base, 0.0)
        key, shown = (flags & 1) > 0, (flags & _DISCARD) == 0
        if not shown.any():
            shown[:] = True
        nominal = float(1 / info.fps) if info.fps else 0.04
        if info.container in _BARE or np.isnan(stamps[shown]).mean() > MAX_UNSTAMPED_SHARE:
            decode = np.frombuffer(self._decode, np.float64)[shown] * self._base
            return _unstamped(decode, nominal, np.flatnonzero(key), sizes[shown])
        shown &= _decodable(stamps, key)
        if info.codec in _HIDING:
            shown[:-1] &= stamps[:-1] != stamps[1:]
        numbers = np.flatnonzero(shown)
        order, times, held, jumps, typical = _joined(stamps[numbers], durations[numbers], key[numbers], nominal)
        return Timeline(
            times=times,
            durations=np.append(np.diff(times), held),
            packets=numbers[order].astype(np.int64),
            sizes=sizes[numbers[order]],
            keys=_entries(stamps, key, sizes, info.codec),
            typical=typical,
            key_packets=np.flatnonzero(key),
            jumps=jumps,
            new_parameters=self._new_parameters,
        )


def _unstamped(decode: Floats, nominal: float, key_packets: Indices, sizes: Indices) -> Timeline:
    """Frames in the order they come, at the times of decoding, which a stream without a clock takes from its rate."""
    steps = np.diff(decode)
    regular = len(steps) > 0 and not np.isnan(steps).any() and (steps > 0).all() and steps.max() < JUMP_SECONDS
    typical = float(np.median(steps)) if regular else nominal
    times = decode - decode[0] if regular else np.arange(len(decode)) * typical
    return Timeline(
        times=times,
        durations=np.append(np.diff(times), typical),
        packets=np.arange(len(decode)),
        sizes=sizes,
        keys=np.zeros(1, np.int64),
        typical=typical,
        key_packets=key_packets,
        stamped=False,
    )


def _decodable(stamps: Floats, key: Mask) -> Mask:
    """Which packets a decoder that begins at the first one can show: none before the first key frame."""
    can = np.ones(len(stamps), bool)
    first = int(np.argmax(key)) if key.any() else 0
    can[:first] = False
    # Leading pictures: they come after the first key frame, are shown before it and refer to what is not there.
    following = int(np.argmax(key[first + 1 :])) + first + 1 if key[first + 1 :].any() else len(key)
    ahead = stamps[first] - stamps[first + 1 : following]
    can[first + 1 : following] &= ~((ahead > 0) & (ahead < JUMP_SECONDS))
    return can


def _joined(stamps: Floats, durations: Floats, key: Mask, nominal: float) -> tuple[Indices, Floats, float, int, float]:
    """Order of presentation, times from 0 in that order, how long the last frame is held, joints, typical interval.

    Input is in the order of the file. Where the clock goes back, or jumps ahead although the packet before does not
    last that long, a new part begins right after the one before.
    """
    usual = _typical(np.sort(stamps[~np.isnan(stamps)]), nominal)
    stamps, outliers = _without_outliers(stamps, usual)
    stamps = _interpolated(stamps, usual)
    begins, jumped = _parts(stamps, durations, key, usual)
    order, times, clock = np.empty(len(stamps), np.intp), np.empty(len(stamps)), 0.0
    held, shift = usual, 0.0
    for first, stop, jump in zip(begins, [*begins[1:], len(stamps)], jumped, strict=True):
        inside = np.argsort(stamps[first:stop], kind="stable") + first
        own = stamps[inside]
        if jump:
            shift = clock - float(own[0])
        order[first:stop], times[first:stop] = inside, own + shift
        step = _typical(own, usual)
        last = durations[inside[-1]]
        # Where the last frame is not held on purpose, containers disagree about how long it is shown.
        held = float(last) if last >= 1.5 * step else step
        clock = max(clock, float(own[-1]) + shift + step)
    times = np.maximum.accumulate(times)
    return order, times, held, outliers + sum(jumped) - 1, _typical(times, nominal)


def _parts(stamps: Floats, durations: Floats, key: Mask, usual: float) -> tuple[list[int], list[bool]]:
    """Where in the file a clock begins anew, the first packet included, and which of them are jumps.

    Pieces joined without care overlap by a frame or two: their clock goes on, and it is no jump.
    A key frame is shown after everything that precedes it in the file; other frames are out of order by a few at most.
    """
    far = max(JUMP_SECONDS, 10 * usual)
    begins, jumps = [0], [True]
    seen = np.maximum.accumulate(stamps)
    if not ((stamps[1:] < seen[:-1]) & key[1:] | (stamps[1:] < seen[:-1] - 1.0) | (np.diff(seen) > far)).any():
        return begins, jumps
    latest = 0
    for at in range(1, len(stamps)):
        step = stamps[at] - stamps[latest]
        back = step < 0 and (key[at] or step < -max(1.0, 32 * usual))
        if back or (step > far and not _lasts(durations[latest], step)):
            begins.append(at)
            jumps.append(bool(abs(step) > max(0.2, 4 * usual)))
        if step > 0 or begins[-1] == at:
            latest = at
    return begins, jumps


def _lasts(duration: float, step: float) -> bool:
    """Whether a packet's own duration accounts for a step; one without a duration lasts until the next frame."""
    return duration == 0 or duration > 0.5 * step


def _without_outliers(stamps: Floats, usual: float) -> tuple[Floats, int]:
    """Stamps far from where the clock stands before and soon after them set to NaN, and how many runs of them."""
    far = max(JUMP_SECONDS, 10 * usual)
    known = np.flatnonzero(~np.isnan(stamps))
    steps = np.flatnonzero(np.abs(np.diff(stamps[known])) > far)
    cleaned, runs, skip = stamps.copy(), 0, -1
    for step in steps:
        if step <= skip:
            continue
        before = stamps[known[step]]
        for length in range(1, OUTLIER_PACKETS + 1):
            after = step + 1 + length
            if after < len(known) and abs(stamps[known[after]] - before) <= far:
                cleaned[known[step + 1 : after]] = np.nan
                runs, skip = runs + 1, after - 1
                break
    return cleaned, runs


def _interpolated(stamps: Floats, usual: float) -> Floats:
    """NaN replaced: by the middle of a hole that the neighbours leave, else by the time after the frame before."""
    filled = stamps.copy()
    for at in np.flatnonzero(np.isnan(stamps)):
        near = filled[max(0, at - 20) : at + 20]
        near = np.sort(near[~np.isnan(near)])
        before = filled[at - 1] if at else (near[0] - usual if len(near) else 0.0)
        if len(near) > 1:
            gaps = np.diff(near)
            close = np.abs(near[:-1] - before) < 17 * usual
            holes = np.flatnonzero((gaps > 1.5 * usual) & (gaps < 4.5 * usual) & close)
            if len(holes):
                filled[at] = near[holes[0]] + usual
                continue
        filled[at] = before + usual
    result: Floats = filled
    return result


def _typical(times: Floats, nominal: float) -> float:
    """The usual step between two ascending times: their median, or ``nominal`` where there is none."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else nominal


def _entries(stamps: Floats, key: Mask, sizes: Indices, codec: str) -> Indices:
    """Numbers of the packets at which decoding can begin afresh; always the first.

    A key frame counts when its group of pictures is closed: nothing that follows it in the file is shown before it.
    """
    if key.all():
        return np.arange(len(key))
    at = np.flatnonzero(key)
    if codec not in _SEPARABLE or not len(at) or np.isnan(stamps).any():
        return np.zeros(1, np.int64)
    earliest = np.minimum.reduceat(stamps, at)
    sizes_between = sizes[~key]
    whole = sizes[at] >= _KEY_TO_INTER_SIZE * np.median(sizes_between)
    closed = at[(earliest >= stamps[at]) & whole]
    return np.union1d(0, closed).astype(np.int64)


def _on_grid(times: Floats) -> Floats:
    """Times moved to the grid of the lowest common frame rate that all of them fit, else as they are."""
    relative = times - times[0]
    head = relative[:64]
    for whole in range(1, 241):
        for rate in (float(whole), whole * 1000 / 1001):
            if np.abs(head - np.rint(head * rate) / rate).max() > ROUNDING:
                continue
            snapped = np.rint(relative * rate) / rate
            if np.abs(relative - snapped).max() <= ROUNDING and (len(times) < 2 or np.diff(snapped).min() > 0):
                moved: Floats = times[0] + snapped
                return moved
    return times
