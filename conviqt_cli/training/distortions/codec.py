"""Clips through ffmpeg and back, over pipes: RGB frames in, a bitstream between, RGB frames out.

Every process runs on one thread, so that the same frames and options give the same bytes wherever they run, and so
that many workers can share a machine. The only loss besides the encoder's own is the 4:2:0 chroma that it needs.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.errors import InputError
from conviqt_cli.training.distortions.distortion import Pixels
from conviqt_cli.training.ffmpeg_run import run

FRAME_RATE = 25
TIMEOUT_SECONDS = 120
_SCALER = ("-sws_flags", "bicubic+accurate_rnd+full_chroma_int")
_CONCEAL = ("-flags", "+output_corrupt", "-err_detect", "ignore_err", "-ec", "guess_mvs+deblock")


@dataclass(frozen=True)
class Codec:
    """An ffmpeg encoder with its options, and a container that can be piped (both by ffmpeg's names)."""

    options: tuple[str, ...]
    container: str = "matroska"

    @property
    def name(self) -> str:
        """ffmpeg's name of the encoder."""
        return self.options[self.options.index("-c:v") + 1]


def encode(frames: Pixels, codec: Codec, filters: Sequence[str] = ()) -> bytes:
    """The bitstream of RGB ``frames`` (n, height, width, 3), uint8, put through ``filters`` first; 25 frames/s.

    Odd sizes are padded to even ones by repeating the last row or column. Raises :class:`InputError` if ffmpeg fails.
    """
    even = _even(frames)
    chain = ",".join([*filters, "format=yuv420p"])
    arguments = (*_raw(even), "-vf", chain, *_SCALER, "-fps_mode", "passthrough", *codec.options, "-threads", "1",
                 "-f", codec.container, "pipe:1")  # fmt: skip
    return _run(arguments, even.tobytes())


def decode(
    stream: bytes, container: str, size: tuple[int, int], filters: Sequence[str] = (), *, damaged: bool = False
) -> Pixels:
    """All frames of a bitstream as RGB uint8 (m, height, width, 3) of ``size`` (width, height), scaled if need be.

    A ``damaged`` stream is decoded as far as it goes, with the decoder's own error concealment; m may then be smaller
    than the number of frames encoded. Raises :class:`InputError` if ffmpeg fails or no frame comes out.
    """
    width, height = size
    even_width, even_height = width + width % 2, height + height % 2
    chain = ",".join([*filters, f"scale={even_width}:{even_height}"])
    robust = _CONCEAL if damaged else ()
    arguments = (*robust, "-f", container, "-i", "pipe:0", "-vf", chain, *_SCALER, "-fps_mode", "passthrough",
                 "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1")  # fmt: skip
    raw = _run(arguments, stream, tolerant=damaged)
    count = len(raw) // (even_width * even_height * 3)
    if count == 0:
        raise InputError("ffmpeg decoded no frame of a stream that it had encoded")
    pixels: Pixels = np.frombuffer(raw, np.uint8, count * even_width * even_height * 3)
    decoded: Pixels = pixels.reshape(count, even_height, even_width, 3)[:, :height, :width].copy()
    return decoded


def round_trip(frames: Pixels, codec: Codec, before: Sequence[str] = (), after: Sequence[str] = ()) -> Pixels:
    """Encoded and decoded ``frames``, same shape; ``before`` and ``after`` are filters on either side of the encoder.

    Raises :class:`InputError` if ffmpeg fails or the number of frames changed on the way.
    """
    count, height, width, _ = frames.shape
    decoded = decode(encode(frames, codec, before), codec.container, (width, height), after)
    if len(decoded) != count:
        raise InputError(f"{codec.name} turned {count} frames into {len(decoded)}")
    return decoded


def filtered(frames: Pixels, filters: Sequence[str]) -> Pixels:
    """``frames`` through ffmpeg's filters in 4:4:4 without an encoder, same shape; raises :class:`InputError`."""
    count, height, width, _ = frames.shape
    chain = ",".join(["format=yuv444p", *filters])
    raw = _run((*_raw(frames), "-vf", chain, *_SCALER, "-fps_mode", "passthrough", "-pix_fmt", "rgb24",
                "-f", "rawvideo", "pipe:1"), frames.tobytes())  # fmt: skip
    if len(raw) != count * height * width * 3:
        raise InputError(f"ffmpeg's filters {chain} changed the size of the clip")
    pixels: Pixels = np.frombuffer(raw, np.uint8).reshape(count, height, width, 3).copy()
    return pixels


@functools.cache
def has_encoder(name: str) -> bool:
    """Whether ffmpeg was built with the encoder ``name``."""
    listing = _run(("-encoders",), b"").decode(errors="replace")
    return any(line.split()[1:2] == [name] for line in listing.splitlines())


def _even(frames: Pixels) -> Pixels:
    _, height, width, _ = frames.shape
    if height % 2 == 0 and width % 2 == 0:
        return frames
    padded: Pixels = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return padded


def _raw(frames: Pixels) -> tuple[str, ...]:
    _, height, width, _ = frames.shape
    return ("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}",
            "-framerate", str(FRAME_RATE), "-i", "pipe:0")  # fmt: skip


def _run(arguments: Sequence[str], given: bytes, *, tolerant: bool = False) -> bytes:
    one_thread = ("-filter_threads", "1", "-threads", "1")
    return run((*one_thread, *arguments), seconds=TIMEOUT_SECONDS, given=given, tolerant=tolerant).stdout
