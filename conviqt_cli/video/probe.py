"""What a video is, before it is scored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from conviqt_cli.errors import InputError, LimitError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.messages import FrameFacts, Line, parse_colour

#: Shortest picture side scored, in pixels. Below it the half-size picture has nothing left for the network to see.
MIN_SIDE = 16

_STREAM = re.compile(r"^  Stream #0:(\d+)[^:]*: (\w+): (.*)$")
_MAPPED = re.compile(r"^  Stream #0:(\d+) -> #0:0 ")
_DURATION = re.compile(r"^  Duration: (\d+):(\d+):([\d.]+)")
_CONTAINER = re.compile(r"^Input #0, (\S+), from ")
_ROTATION = re.compile(r"[Dd]isplay ?[Mm]atrix: rotation of (-?[\d.]+) degrees")
_RATE = re.compile(r"config in time_base: \S+, frame_rate: (\d+)/(\d+)")
_DEPTH = re.compile(r"(?:p|gray|y|p0)(9|10|12|14|16)(?:le|be)?$|^(?:p0|p2|p4)(10|12|16)(?:le|be)$")
_DEEP_RGB = re.compile(r"^(?:rgb|bgr|rgba|bgra)(48|64)(?:le|be)$")

_STILL_CODECS = {"png", "mjpeg", "webp", "bmp", "tiff", "jpeg2000", "jpegxl", "ppm", "pgm"}


@dataclass(frozen=True)
class VideoInfo:
    """Facts of one video stream, as its first frame and its container state them.

    ``width`` and ``height`` are pixels as displayed, rotation applied; ``rotation`` is the clockwise turn, in degrees,
    that was needed. ``sample_aspect`` is the shape of one pixel (1 is square). ``fps`` is the nominal frame rate,
    ``None`` when the stream has none. ``duration`` is in seconds, ``None`` when unknown. ``frame_count`` is ``None``
    until every frame has been decoded: containers lie about it. ``matrix``, ``range``, ``transfer`` and ``primaries``
    are ffmpeg's names; ``matrix_assumed`` says that the stream was silent and the usual default was taken
    (BT.709 from 720 lines up, BT.601 below).
    """

    source: str
    width: int
    height: int
    fps: Fraction | None
    duration: float | None
    codec: str
    container: str
    pixel_format: str
    bit_depth: int
    matrix: str
    matrix_assumed: bool
    range: str
    transfer: str
    primaries: str
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    stream: int = 0
    video_streams: int = 1
    frame_count: int | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded RGB frame."""
        return self.width * self.height * 3


def probe(source: str, timeout: float = 60.0, first_packet: int = 0, smallest: int = MIN_SIDE) -> VideoInfo:
    """Look at ``source`` (a path or a URL) by decoding its first frame, or the one in ``first_packet``.

    Raises :class:`InputError` when it cannot be opened or holds no video, :class:`LimitError` when its picture is
    too small or too large, or when nothing came within ``timeout`` seconds.
    """
    with ffmpeg.opened(source) as (options, name, descriptors):
        command = ffmpeg.probe_command(options, name, first_packet)
        try:
            said = ffmpeg_process.messages(command, descriptors, timeout)
        except TimeoutError:
            raise LimitError(
                f"{source}: no picture was decoded within {timeout:g} s; raise the timeout if the source is just slow"
            ) from None
    text = said.decode("utf-8", "replace")
    lines = [line for raw in text.splitlines() for line in Line.split(raw)]
    info = _read(source, lines)
    check_size(info, smallest)
    return info


def check_size(info: VideoInfo, smallest: int = MIN_SIDE) -> None:
    """Raise :class:`LimitError` for a picture whose short side is below ``smallest`` pixels."""
    if min(info.width, info.height) < smallest:
        raise LimitError(
            f"{info.source}: the picture is {info.width}x{info.height} pixels; "
            f"its shorter side must be at least {smallest} to be scored"
        )


def _read(source: str, lines: list[Line]) -> VideoInfo:
    frame = next((facts for line in lines if (facts := FrameFacts.parse(line))), None)
    streams = [match for line in lines if line.who == "" and (match := _STREAM.match(line.text))]
    # ffmpeg lists its output streams with the same words after the input's; the mapping line stands between them.
    mapped = next((int(m[1]) for line in lines if (m := _MAPPED.match(line.text))), None)
    if frame is None or mapped is None:
        raise _no_picture(source, lines, [match[2] for match in streams])
    header = next(match for match in streams if int(match[1]) == mapped)
    colour = parse_colour(lines)
    rgb = frame.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal", "x2"))
    matrix = "rgb" if rgb else colour.get("space", "unknown")
    assumed = matrix in ("unknown", "reserved")
    if assumed:
        matrix = "bt709" if min(frame.width, frame.height) >= 720 else "smpte170m"
    codec = header[3].split()[0].rstrip(",")
    full_range = rgb or frame.pixel_format.startswith("yuvj") or colour.get("range") == "pc"
    rate = next((m for line in lines if (m := _RATE.search(line.text))), None)
    still = codec in _STILL_CODECS and _container(lines).endswith(("_pipe", "image2"))
    return VideoInfo(
        source=source,
        width=frame.width,
        height=frame.height,
        fps=Fraction(int(rate[1]), int(rate[2])) if rate and int(rate[1]) and int(rate[2]) and not still else None,
        duration=None if still else _duration(lines),
        codec=codec,
        container=_container(lines),
        pixel_format=frame.pixel_format,
        bit_depth=bit_depth(frame.pixel_format),
        matrix=matrix,
        matrix_assumed=assumed,
        range="pc" if full_range else "tv",
        transfer=colour.get("trc", "unknown"),
        primaries=colour.get("primaries", "unknown"),
        rotation=_rotation(lines, mapped),
        sample_aspect=frame.sample_aspect,
        interlaced=frame.interlaced,
        stream=mapped,
        video_streams=_count_video(streams, mapped),
        frame_count=1 if still else None,
    )


def bit_depth(pixel_format: str) -> int:
    """Bits per component of a pixel format, by ffmpeg's name for it.

    >>> bit_depth("yuv420p10le"), bit_depth("nv12"), bit_depth("rgb48le")
    (10, 8, 16)
    """
    deep = _DEEP_RGB.match(pixel_format)
    if deep:
        return 16
    if pixel_format.startswith("x2"):
        return 10
    match = _DEPTH.search(pixel_format)
    return int(match[1] or match[2]) if match else 8


def _container(lines: list[Line]) -> str:
    return next((m[1] for line in lines if (m := _CONTAINER.match(line.text))), "unknown").rstrip(",")


def _duration(lines: list[Line]) -> float | None:
    match = next((m for line in lines if (m := _DURATION.match(line.text))), None)
    if not match:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) or None


def _rotation(lines: list[Line], stream: int) -> int:
    """Clockwise turn of ``stream`` in degrees, from the side data listed under its own header line."""
    current = None
    for line in lines:
        if _MAPPED.match(line.text):
            break
        header = _STREAM.match(line.text)
        if header:
            current = int(header[1])
        match = _ROTATION.search(line.text)
        if match and current == stream and line.text.startswith("      "):
            return round(-float(match[1])) % 360
    return 0


def _count_video(streams: list[re.Match[str]], mapped: int) -> int:
    """Video streams of the input that are not cover art; the last header listed is the output's own."""
    seen = {int(m[1]): m[3] for m in streams[:-1] if m[2] == "Video"}
    return max(1, sum("(attached pic)" not in text and "(timed thumbnails)" not in text for text in seen.values()))


def _no_picture(source: str, lines: list[Line], kinds: list[str]) -> InputError | LimitError:
    trouble = [line.text for line in lines if line.level in ("error", "fatal")]
    text = " ".join(trouble)
    if "exceeds specified max pixel count" in text or "Picture size" in text:
        return LimitError(f"{source}: the picture has more than {ffmpeg.MAX_PIXELS:,} pixels, the limit")
    if "matches no streams" in text:
        found = " and ".join(sorted({kind.lower() for kind in kinds})) or "no streams"
        cover = "Video" in kinds
        held = "only audio and cover art" if cover else f"only {found}"
        return InputError(f"{source}: no video stream ({held})")
    if "moov atom not found" in text:
        return InputError(f"{source}: the file is truncated: its index (moov) is missing; get a complete copy")
    if "Protocol" in text and ("not on whitelist" in text or "blacklist" in text):
        return InputError(f"{source}: a playlist of other files; name those, or give the playlist as a URL")
    if "Invalid data found" in text or not trouble:
        where = "" if kinds else ", or damaged from the start"
        return InputError(f"{source}: not a video that ffmpeg can read{where}")
    return InputError(f"{source}: ffmpeg cannot read it: {trouble[0].removeprefix('Error opening input: ')}")
