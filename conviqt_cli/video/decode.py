"""Frames out of ffmpeg: streamed, in order, counted, and never silently fewer than the file holds."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import DecodeError, LimitError
from conviqt_cli.video import ffmpeg, ffmpeg_process, planes
from conviqt_cli.video.colour import filters, plane_filters
from conviqt_cli.video.fields import watching
from conviqt_cli.video.messages import DecoderLog, Line
from conviqt_cli.video.picture import Picture, RgbPicture
from conviqt_cli.video.planes import PlanarPicture
from conviqt_cli.video.probe import VideoInfo
from conviqt_cli.video.repairs import repaired_stretches
from conviqt_cli.video.selection import Selection, select
from conviqt_cli.video.timeline import JUMP_SECONDS, Timeline

#: How pictures are handed out: converted by ffmpeg, or as 8-bit 4:2:0 planes.
PixelFormat = Literal["rgb24", "yuv420p"]

#: Decoded frames waiting for the consumer: enough to overlap decoding with inference, little enough to stay small.
QUEUE_FRAMES = 8

#: Share of packets that may fail to decode before the video counts as unreadable rather than damaged.
MAX_LOST_SHARE = 0.1

#: Frames in a row that may be missing, however few are decoded in all: those of one clip.
MAX_LOST_RUN = 16

#: Most frames decoded of one video (11 hours at 25 frames/s). A small file can hold any number of them.
MAX_FRAMES = 1_000_000

#: ffmpeg's "no time stamp" (AV_NOPTS_VALUE).
NO_STAMP = -(1 << 63)


@dataclass(frozen=True)
class Frame:
    """One decoded picture, shown from ``time`` seconds on for ``duration`` seconds."""

    index: int
    time: float
    duration: float
    picture: Picture

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All of the picture, (height, width, 3) uint8 RGB."""
        return self.picture.rgb()


@dataclass
class DecodeReport:
    """What became known by decoding; complete once the stream is exhausted.

    ``frames`` were handed out, up to ``end`` seconds. ``damaged`` were repaired by the decoder, ``lost`` could not be
    decoded. ``repaired`` is where the former are, as far as it is known: stretches in seconds. ``jumps`` counts the
    places where the clock went back or jumped.
    ``interlaced`` is the share of frames marked as such, of some of the frames handed out; ``transparent`` says that
    some of those had pixels that are not opaque.
    """

    frames: int = 0
    end: float = 0.0
    damaged: int = 0
    repaired: tuple[tuple[float, float], ...] = ()
    lost: int = 0
    format_changes: int = 0
    no_clock: bool = False
    jumps: int = 0
    interlaced: float = 0.0
    transparent: bool = False


class FrameStream:
    """Decode one video to :class:`Frame` objects, with ffmpeg working ahead in its own process.

    Use as a context manager and iterate once. Holds at most ``QUEUE_FRAMES`` + 2 frames, however long the video is.

    With a ``timeline`` frames have its numbers and times, and ``windows`` (pairs of a first and a last frame) says
    which are wanted: only those are converted and handed out, each once and in order, and what no wanted frame needs is
    not decoded. Without one, every frame of the part from ``start`` seconds on, ``duration`` seconds long, is handed
    out, and frames are numbered as they come. ``pixel_format`` ``yuv420p`` leaves the conversion to whoever asks a
    picture for RGB, for a video of which :func:`~conviqt_cli.video.colour.has_planes` is true.

    Iterating raises :class:`DecodeError` when the decoder fails or the file ends before it should, and
    :class:`LimitError` when no frame comes for ``timeout`` seconds or more than ``max_frames`` come; frames handed out
    before that are not to be scored as if they were the video. ``report`` is filled as frames go by.
    """

    def __init__(
        self,
        info: VideoInfo,
        start: float = 0.0,
        duration: float | None = None,
        timeout: float = 120.0,
        threads: int | None = None,
        max_frames: int = MAX_FRAMES,
        timeline: Timeline | None = None,
        windows: Sequence[tuple[int, int]] | None = None,
        pixel_format: PixelFormat = "rgb24",
    ) -> None:
        self.info = info
        self._pixel_format = pixel_format
        self.report = DecodeReport()
        self._timeline = timeline
        self._selection = None if timeline is None else select(timeline, windows)
        self._start, self._duration, self._timeout, self._threads = start, duration, timeout, threads
        self._max_frames = max_frames
        self._pictures: queue.Queue[NDArray[np.uint8] | int] = queue.Queue(maxsize=QUEUE_FRAMES)
        self._times: queue.Queue[tuple[int, Fraction] | None] = queue.Queue()
        self._log = DecoderLog()
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._workers: list[threading.Thread] = []

    def __enter__(self) -> FrameStream:
        with ffmpeg.opened(self.info.source) as (options, name, descriptors):
            options = ffmpeg.with_decoder(options, self.info.decoder, self._threads)
            clock, clock_in = os.pipe()
            try:
                command = ffmpeg.decode_command(
                    options, name, self.info.stream, self._filters(), clock_in, self._start, self._duration,
                    self._selection.kept if self._selection else None, self._pixel_format,
                )  # fmt: skip
                self._process = ffmpeg_process.start(command, (*descriptors, clock_in), pictures=True)
            except BaseException:
                os.close(clock)
                raise
            finally:
                os.close(clock_in)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._workers = [
            threading.Thread(target=self._read_pictures, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_messages, args=(self._process.stderr,), daemon=True),
            threading.Thread(target=self._read_clock, args=(clock,), daemon=True),
        ]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self.stop()
        for worker in self._workers:
            worker.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def stop(self) -> None:
        """End decoding now; whoever iterates gets a :class:`DecodeError`. Harmless after the last frame."""
        self._stop.set()
        if self._process is not None:
            ffmpeg_process.stop(self._process)

    def _filters(self) -> list[str]:
        # Frames that nobody wants are dropped before they are converted.
        wanted = self._selection and self._selection.select
        convert = filters(self.info) if self._pixel_format == "rgb24" else plane_filters(self.info)
        return [*([f"select='{wanted}'"] if wanted else []), *watching(self.info), *convert]

    def _picture(self, pixels: NDArray[np.uint8]) -> Picture:
        if self._pixel_format == "rgb24":
            return RgbPicture(pixels)
        info = self.info
        return PlanarPicture.of(pixels, info.height, info.width, info.matrix, info.range == "pc")

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._as_they_come() if self._timeline is None else self._by_timeline(self._timeline):
            if self.report.frames == self._max_frames:
                raise too_many_frames(self.info.source, self._max_frames)
            self.report.frames += 1
            self.report.end = max(self.report.end, frame.time + frame.duration)
            yield frame

    def _as_they_come(self) -> Iterator[Frame]:
        nominal = float(1 / self.info.fps) if self.info.fps else 0.04
        last: float | None = None
        shift = self._start
        for number, (picture, stamp) in enumerate(self._pairs()):
            if stamp is None:
                self.report.no_clock = True
                shown = self._start if last is None else last + nominal
            else:
                shown = stamp + shift
                if last is not None and not last - nominal / 2 <= shown <= last + max(JUMP_SECONDS, 10 * nominal):
                    self.report.jumps += 1
                    shift += last + nominal - shown
                    shown = last + nominal
            last = shown if last is None else max(shown, last)
            yield Frame(number, last, nominal, self._picture(picture))

    def _by_timeline(self, timeline: Timeline) -> Iterator[Frame]:
        assert self._selection is not None
        self.report.jumps, self.report.no_clock = timeline.jumps, False
        shown = [-1]
        for number, picture in self._numbered(timeline, self._selection):
            shown.append(int(np.searchsorted(self._selection.frames, number)))
            times = float(timeline.times[number]), float(timeline.durations[number])
            yield Frame(number, *times, self._picture(picture))
        gaps = np.diff([*shown, len(self._selection.frames)]) - 1
        longest = int(gaps.argmax())
        if gaps[longest] > max(MAX_LOST_RUN, MAX_LOST_SHARE * len(self._selection.frames)):
            at = float(timeline.times[self._selection.frames[shown[longest] + 1]])
            raise DecodeError(
                f"{self.info.source}: {gaps[longest]} frames in a row, from {at:.2f} s on, could not be decoded: "
                "the stream is damaged there, or goes on in another format; convert it to one first"
            )

    def _numbered(self, timeline: Timeline, selection: Selection) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """The wanted pictures with their places in the timeline."""
        if not timeline.stamped:
            wanted = set(selection.frames.tolist())
            for number, (picture, _) in enumerate(self._pairs()):
                if number in wanted:
                    yield number, picture
            return
        places = {int(timeline.packets[number]): int(number) for number in selection.frames}
        last = -1
        for picture, stamp in self._pairs(seconds=False):
            # What is not in the list was selected for want of a better expression, or comes twice.
            number = places.get(-1 if stamp is None else int(stamp), -1)
            if number > last:
                last = number
                yield number, picture

    def _pairs(self, seconds: bool = True) -> Iterator[tuple[NDArray[np.uint8], float | None]]:
        """Pictures and their stamps, in seconds or as they are (``None``: without one)."""
        while True:
            picture = self._next_picture()
            if isinstance(picture, int):
                self._finish(leftover=picture)
                return
            try:
                # ffmpeg tells a frame's time before it writes the picture, so this waits for the reader thread at most.
                stamp = self._times.get(timeout=self._timeout)
            except queue.Empty:
                raise DecodeError(f"{self.info.source}: ffmpeg returned a picture without a timestamp") from None
            yield picture, None if stamp is None else float(stamp[0] * stamp[1] if seconds else stamp[0])

    def _next_picture(self) -> NDArray[np.uint8] | int:
        silent_since = time.monotonic()
        while not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                return self._pictures.get(timeout=min(0.5, self._timeout))
            if time.monotonic() - silent_since > self._timeout:
                raise self._silent()
        raise DecodeError(f"{self.info.source}: decoding was stopped")

    def _silent(self) -> LimitError:
        return LimitError(
            f"{self.info.source}: the decoder gave no frame for {self._timeout:g} s and was stopped; "
            "raise the timeout if the source is just slow"
        )

    def _read_pictures(self, pipe: IO[bytes]) -> None:
        """Fill the queue with pictures; ends with the number of left-over bytes of an incomplete one."""
        height, width = self.info.height, self.info.width
        shape = (height, width, 3) if self._pixel_format == "rgb24" else (planes.size(height, width),)
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)
        while not self._stop.is_set():
            picture = np.empty(shape, np.uint8)
            view, filled = picture.reshape(-1).data, 0
            while filled < len(view):
                # readinto of a raw pipe: fills what is there, 0 at the end.
                count = pipe.readinto(view[filled:])  # type: ignore[attr-defined]
                if not count:
                    break
                filled += count
            self._put(picture if filled == len(view) else filled)
            if filled < len(view):
                return

    def _put(self, item: NDArray[np.uint8] | int) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._pictures.put(item, timeout=0.2)
                return

    def _read_messages(self, pipe: IO[bytes]) -> None:
        for raw in _lines(pipe):
            if " - amount 0 drop " in raw:  # said of every packet
                continue
            for line in Line.split(raw):
                self._log.add(line)

    def _read_clock(self, descriptor: int) -> None:
        """Fill the queue of times: stamp and time base."""
        with open(descriptor, encoding="ascii", errors="replace") as lines:
            for line in lines:
                stamp, _, base = line.strip().partition(" ")
                try:
                    known = int(stamp) > NO_STAMP
                    self._times.put((int(stamp), Fraction(base)) if known else None)
                except (ValueError, ZeroDivisionError):
                    self._times.put(None)

    def _finish(self, leftover: int) -> None:
        """Decide, once the last picture is in, whether the video was decoded as a whole."""
        assert self._process is not None
        try:
            code = self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            raise self._silent() from None
        for worker in self._workers:
            worker.join()
        source, log, report = self.info.source, self._log, self.report
        report.damaged, report.lost, report.format_changes = log.damaged, log.errors, log.reconfigured
        report.interlaced, report.transparent = log.interlaced, log.transparent
        if log.cut_short:
            raise DecodeError(
                f"{source}: the file is truncated ({log.cut_short}): "
                f"only {report.frames} frames, {report.end:.2f} s, could be read; get a complete copy"
            )
        if code != 0 or leftover:
            why = log.fatal or log.last_error or f"ffmpeg stopped with code {code}"
            raise DecodeError(f"{source}: decoding stopped after {report.frames} frames ({report.end:.2f} s): {why}")
        decoded = log.packets or 0
        if self._selection is not None and self._selection.select is not None:
            decoded = (log.frames or 0) + log.errors  # most packets were skipped
        if decoded and log.errors > MAX_LOST_SHARE * decoded:
            raise DecodeError(f"{source}: {log.errors} of {decoded} frames could not be decoded: too damaged to score")
        if report.frames == 0:
            span = " in the requested part" if self._start or self._duration is not None else ""
            raise DecodeError(f"{source}: no frame could be decoded{span}")
        # Last, since it decodes a damaged stream once more.
        report.repaired = self._repaired()

    def _repaired(self) -> tuple[tuple[float, float], ...]:
        """Where the decoder repaired pictures, if it did, and if the frames carry the numbers of their packets."""
        kept = self._selection.kept if self._selection else None
        if self._timeline is None or kept is None or not self._log.damaged:
            return ()
        return repaired_stretches(self.info, self._timeline, kept, self._threads, self._timeout)


def too_many_frames(source: str, max_frames: int) -> LimitError:
    """The error for a video, or a part of one, of more than ``max_frames`` frames."""
    return LimitError(
        f"{source}: more than {max_frames:,} frames, the limit for one "
        "video; score a part of it, or raise the limit (max_frames)"
    )


def _lines(pipe: IO[bytes]) -> Iterator[str]:
    """Text lines of ffmpeg's stderr; a line longer than 64 KiB is cut, so hostile metadata cannot fill the memory."""
    limit = 1 << 16
    pending = b""
    while block := pipe.read(limit):
        *complete, pending = (pending + block).split(b"\n")
        pending = pending[:limit]
        for raw in complete:
            yield raw[:limit].decode("utf-8", "replace")
    if pending:
        yield pending.decode("utf-8", "replace")
