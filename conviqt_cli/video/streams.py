"""Which of several video streams is the video: not its preview, its poster, or a blank track beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.errors import InputError, LimitError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.listing import ListedStream, Listing

#: A stream with fewer packets than this share of the longest one's is a poster or a preview in stills.
_POSTER_SHARE = 0.05

#: Frames looked at to tell whether a stream is blank, and their size (width, height) for that.
_LOOKS, _LOOK_SIZE = 12, (32, 18)

#: Grey levels within one small picture of a blank stream.
_FLAT = 8

#: Seconds by which two streams may overlap for one still to be the continuation of the other.
_OVERLAP = 0.5


@dataclass
class _Packets:
    """What the packets of one stream add up to; times in seconds."""

    count: int = 0
    keys: int = 0
    first: float = float("inf")
    last: float = float("-inf")


def choose(source: str, listing: Listing, timeout: float) -> int | None:
    """Number of the stream to score; ``None`` when the input has no video stream.

    Streams that hold more than a few pictures come first, then those that are not blank, then those the file marks as
    default; then counts the size of the picture, then the number of frames, then the order in the file.

    Raises :class:`InputError` when the picture goes on in another stream where the best one ends, and for a still
    photograph stored in tiles: either would be scored in part.
    """
    videos = listing.videos
    if not videos:
        if "Tile Grid" in listing.groups:
            raise InputError(f"{source}: a still photograph stored in tiles; convert it to PNG or JPEG and give that")
        return None
    if len(videos) == 1:
        return videos[0].index
    packets = _count(source, videos, timeout)
    most = max((each.count for each in packets.values()), default=0)

    def rank(stream: ListedStream) -> tuple[bool, bool, int, int, int]:
        found = packets.get(stream.index, _Packets())
        real = found.count > 1 and found.count >= _POSTER_SHARE * most
        area = stream.width * stream.height
        return real, "default" in stream.dispositions, area, found.count, -stream.index

    ordered = sorted(videos, key=rank, reverse=True)
    real = [stream for stream in ordered if rank(stream)[0]] or ordered[:1]
    chosen = real[0]
    if len(real) > 1:
        chosen = next((each for each in real if not _is_blank(source, each, packets[each.index], timeout)), chosen)
        _check_continuation(source, chosen, real, packets)
    return chosen.index


def check_choice(source: str, listing: Listing, wanted: int) -> None:
    """Raise :class:`InputError` when the stream of that number is no video."""
    stream = listing.stream(wanted)
    if stream is not None and stream.kind == "Video":
        return
    there = ", ".join(f"#{each.index}" for each in listing.streams if each.kind == "Video") or "none"
    what = "there is no stream" if stream is None else f"not a video but {stream.kind.lower()} is stream"
    raise InputError(f"{source}: {what} #{wanted}; video streams: {there}")


def _check_continuation(
    source: str, chosen: ListedStream, real: Sequence[ListedStream], packets: dict[int, _Packets]
) -> None:
    own = packets[chosen.index]
    for other in real:
        found = packets[other.index]
        if other is chosen or not (found.first >= own.last - _OVERLAP or found.last <= own.first + _OVERLAP):
            continue
        early, late = sorted((chosen, other), key=lambda each: packets[each.index].first)
        at = packets[late.index].first - min(own.first, found.first)
        raise InputError(
            f"{source}: after {at:.2f} s the picture goes on in another stream (#{early.index}, then #{late.index}); "
            "convert the file to one stream, or choose the stream to score"
        )


def _count(source: str, videos: Sequence[ListedStream], timeout: float) -> dict[int, _Packets]:
    """Packets of each stream; nothing for a URL, which would have to be fetched twice.

    Raises :class:`LimitError` when no packet comes for ``timeout`` seconds.
    """
    if ffmpeg.is_url(source):
        return {}
    indices = [stream.index for stream in videos]
    with ffmpeg.opened(source) as (options, name, descriptors):
        process = ffmpeg_process.start(ffmpeg.all_packets_command(options, name, indices), descriptors, pictures=True)
    try:
        listed = (line for is_message, line in ffmpeg_process.lines(process, timeout) if not is_message)
        found = _read_packets((line.decode("ascii", "replace") for line in listed), len(indices))
    except TimeoutError:
        raise LimitError(f"{source}: no data for {timeout:g} s; raise the timeout if the source is just slow") from None
    finally:
        ffmpeg_process.stop(process)
    return dict(zip(indices, found, strict=True))


def _read_packets(listed: Iterable[str], streams: int) -> list[_Packets]:
    """Add up framecrc's lines: ``stream, dts, pts, duration, size, checksum[, F=flags]``; ``#tb 0: 1/90000`` before."""
    found, bases = [_Packets() for _ in range(streams)], [1.0] * streams
    for line in listed:
        if line.startswith("#tb "):
            which, _, base = line[4:].partition(":")
            over, _, under = base.partition("/")
            bases[int(which)] = int(over) / int(under)
        fields = [field.strip() for field in line.split(",")]
        if line.startswith("#") or len(fields) < 6:
            continue
        number = int(fields[0])
        stream, time = found[number], int(fields[2]) * bases[number]
        flags = int(fields[6][2:], 16) if len(fields) > 6 and fields[6].startswith("F=") else 1
        stream.count, stream.keys = stream.count + 1, stream.keys + (flags & 1)
        stream.first, stream.last = min(stream.first, time), max(stream.last, time)
    return found


def _is_blank(source: str, stream: ListedStream, packets: _Packets, timeout: float) -> bool:
    """Whether every one of some frames, spread over the stream, is of a single colour."""
    keys_only = packets.keys >= _LOOKS // 4
    step = max(1, (packets.keys if keys_only else packets.count) // _LOOKS)
    width, height = _LOOK_SIZE
    with ffmpeg.opened(source) as (options, name, descriptors):
        command = ffmpeg.thumbnails_command(options, name, stream.index, keys_only, step, _LOOKS, _LOOK_SIZE)
        try:
            raw = ffmpeg_process.output(command, descriptors, timeout)
        except TimeoutError:
            return False
    count = len(raw) // (width * height)
    pictures = np.frombuffer(raw, np.uint8, count * width * height).reshape(count, -1).astype(int)
    return count > 0 and bool((np.ptp(pictures, axis=1) <= _FLAT).all())
