"""Transmission faults: real bitstreams with parts lost or damaged, decoded with the decoder's error concealment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.training.distortions.codec import Codec, decode, encode
from conviqt_cli.training.distortions.distortion import Pixels

#: Share of the slices of an H.264 stream that are lost or damaged, per level.
SLICE_LOSS = (0.01, 0.03, 0.07, 0.15, 0.3)
#: Share of the transport packets of an MPEG-2 stream that are lost, per level.
PACKET_LOSS = (0.004, 0.01, 0.022, 0.05, 0.1)

_TS_PACKET = 188
_SLICE_TYPES = (1, 5)


@dataclass(frozen=True)
class Unit:
    """One NAL unit of an H.264 byte stream (ITU-T H.264, annex B) with its start code."""

    data: bytes
    kind: int
    opens_frame: bool

    @property
    def is_slice(self) -> bool:
        """Whether the unit carries picture data."""
        return self.kind in _SLICE_TYPES


def split_units(stream: bytes) -> list[Unit]:
    """The NAL units of an annex B byte stream, in order; joined again they are the stream from its first start code."""
    starts = []
    at = stream.find(b"\0\0\1")
    while at >= 0:
        starts.append(at)
        at = stream.find(b"\0\0\1", at + 3)
    units = []
    for begin, end in zip(starts, [*starts[1:], len(stream)], strict=True):
        data = stream[begin:end]
        # A slice header opens with first_mb_in_slice, Exp-Golomb coded: 0 is the single bit 1.
        opens = len(data) > 4 and bool(data[4] & 0x80)
        units.append(Unit(data, data[3] & 0x1F if len(data) > 3 else 0, opens))
    return units


def h264_loss(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """H.264 in slices of about 32 rows; some slices are lost, some arrive with wrong bytes. Errors travel in time.

    The first slice of each frame always arrives, so that no frame goes missing, and the first frame arrives whole.
    """
    count, height, width, _ = frames.shape
    slices = max(4, height // 32)
    options = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-x264-params",
               f"keyint={int(rng.integers(10, 16))}:bframes=0:slices={slices}:aud=0")  # fmt: skip
    units = split_units(encode(frames, Codec(options, "h264")))
    seen = np.cumsum([unit.is_slice and unit.opens_frame for unit in units])
    open_to_loss = [
        index for index, unit in enumerate(units) if unit.is_slice and not unit.opens_frame and seen[index] > 1
    ]
    sizes = [len(units[index].data) for index in open_to_loss]
    hit = _victims(open_to_loss, sizes, SLICE_LOSS[level - 1], level, rng)
    wrong = rng.random(len(units)) < 0.5
    kept = []
    for index, unit in enumerate(units):
        if index not in hit:
            kept.append(unit.data)
        elif wrong[index]:
            kept.append(_damage(unit.data, rng))
    return _fit(decode(b"".join(kept), "h264", (width, height), damaged=True), count)


def mpeg2_loss(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """MPEG-2 in a transport stream that loses whole packets, as broadcast with bad reception does.

    Packets that open a picture or carry tables always arrive.
    """
    count, height, width, _ = frames.shape
    options = ("-c:v", "mpeg2video", "-q:v", "4", "-g", str(int(rng.integers(9, 14))), "-bf", "0")
    stream = np.frombuffer(encode(frames, Codec(options, "mpegts")), np.uint8).reshape(-1, _TS_PACKET)
    opens = (stream[:, 1] & 0x40) != 0
    stream_number = ((stream[:, 1].astype(int) & 0x1F) << 8) | stream[:, 2]
    video = (stream_number == 0x100) & (np.cumsum(opens & (stream_number == 0x100)) > 1)
    open_to_loss = np.flatnonzero(video & ~opens).tolist()
    hit = _victims(open_to_loss, [_TS_PACKET] * len(open_to_loss), PACKET_LOSS[level - 1], level, rng)
    kept = np.delete(stream, sorted(hit), axis=0)
    return _fit(decode(kept.tobytes(), "mpegts", (width, height), damaged=True), count)


def _victims(candidates: list[int], sizes: list[int], share: float, least: int, rng: np.random.Generator) -> set[int]:
    """Which of the candidates are hit: the chance is in proportion to the size, as it is on a line.

    A higher level of the same random numbers hits what the lower one hit, and more. At least as many are hit as the
    level, so that even the shortest stream shows some.
    """
    number = min(len(candidates), max(least, round(share * len(candidates))))
    # Sampling with weights and without replacement: Efraimidis and Spirakis, Inf. Process. Lett. 97, 2006.
    keys = np.log(rng.random(len(candidates))) / np.asarray(sizes, float)
    return {candidates[at] for at in np.argsort(-keys)[:number]}


def _damage(data: bytes, rng: np.random.Generator) -> bytes:
    # Behind the slice header; never a zero byte, for that could make a start code that was not there.
    broken: NDArray[np.uint8] = np.frombuffer(data, np.uint8).copy()
    begin = min(len(broken), 12 + int(rng.integers(0, max(1, len(broken) // 3))))
    length = min(len(broken) - begin, 8)
    broken[begin : begin + length] = rng.integers(1, 256, size=length, dtype=np.uint8)
    return broken.tobytes()


def _fit(frames: Pixels, count: int) -> Pixels:
    """As many frames as went in: what the decoder lost at the end is the last frame held, as a player would."""
    if len(frames) >= count:
        return frames[:count]
    return np.concatenate([frames, np.repeat(frames[-1:], count - len(frames), axis=0)])
