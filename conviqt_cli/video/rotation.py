"""How a file asks for its picture to be turned or mirrored, as numbers; ffmpeg does it, but does not say so in full."""

from __future__ import annotations

import math
import struct

from conviqt_cli.video import ffmpeg, ffmpeg_process

#: Where the matrix stands in a track header of version 0, after the box's name.
_MATRIX_AT = 44


def read_turn(source: str, stream: int, timeout: float) -> tuple[int, bool] | None:
    """Clockwise turn of ``stream`` in degrees, and whether the picture is mirrored before it is turned.

    ffmpeg prints an angle alone, and the same one for a mirrored picture as for one turned by 180 degrees. So one
    packet is copied into a QuickTime file, whose track header holds the matrix, whatever the container was. ``None``
    where that fails.

    Raises ``TimeoutError`` when it takes longer than ``timeout`` seconds.
    """
    with ffmpeg.opened(source) as (options, name, descriptors):
        copied = ffmpeg_process.output(ffmpeg.header_command(options, name, stream), descriptors, timeout)
    at = copied.find(b"tkhd")
    matrix = copied[at + _MATRIX_AT : at + _MATRIX_AT + 36]
    if at < 0 or len(matrix) < 36:
        return None
    return turn_of(struct.unpack(">9i", matrix))


def turn_of(matrix: tuple[int, ...]) -> tuple[int, bool]:
    """Clockwise turn in degrees, and whether it is mirrored before, from a track header's matrix (nine numbers).

    >>> turn_of((0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)), turn_of((-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30))
    ((90, False), (0, True))
    """
    a, b, _, c, d = matrix[:5]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a))) % 360, mirrored
