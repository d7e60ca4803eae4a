"""What a video is, before it is scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from conviqt_cli.errors import InputError, LimitError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.listing import Listing
from conviqt_cli.video.messages import FrameFacts, Line, parse_colour
from conviqt_cli.video.pixel_formats import bit_depth, has_alpha, is_rgb, is_xyz
from conviqt_cli.video.refusals import ENCRYPTED, encrypted_tracks, explain
from conviqt_cli.video.rotation import read_turn
from conviqt_cli.video.streams import check_choice, choose

#: Shortest picture side scored, in pixels. Below it the half-size picture has nothing left for the network to see.
MIN_SIDE = 16

_MAPPED = re.compile(r"^ +Stream #0:(\d+) -> #0:0 ")
_RATE = re.compile(r"config in time_base: \S+, frame_rate: (\d+)/(\d+)")

#: Decoders that read the transparency that WebM stores beside the picture.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_STILL_CODECS = {"png", "mjpeg", "webp", "bmp", "tiff", "jpeg2000", "jpegxl", "ppm", "pgm"}


@dataclass(frozen=True)
class VideoInfo:
    """Facts of one video stream, as its first frame and its container state them.

    ``width`` and ``height`` are pixels as displayed: where ``mirrored`` says so, the picture was mirrored left to
    right, and then turned by ``rotation`` degrees clockwise. ``sample_aspect`` is the shape of one pixel (1 is square).
    ``fps`` is the nominal frame rate, ``None`` when the stream has none. ``duration`` is in seconds, ``None`` when
    unknown. ``frame_count`` is ``None`` until every frame has been decoded: containers lie about it. ``matrix``,
    ``range``, ``transfer`` and ``primaries`` are ffmpeg's names (``rgb`` and ``xyz`` are no YCbCr matrices);
    ``matrix_assumed`` says that the stream was silent and that it was guessed by its size, as players do.
    ``dolby_vision`` is the profile of a Dolby Vision stream. ``decoder`` is the one that ffmpeg has to use in place of
    its own choice; ``alpha_unseen`` says that the stream has transparency which no decoder here reads.
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
    mirrored: bool = False
    sample_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    stream: int = 0
    video_streams: int = 1
    frame_count: int | None = None
    dolby_vision: int | None = None
    decoder: str | None = None
    alpha_unseen: bool = False

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded RGB frame."""
        return self.width * self.height * 3


def probe(
    source: str, timeout: float = 60.0, first_packet: int = 0, smallest: int = MIN_SIDE, stream: int | None = None
) -> VideoInfo:
    """Look at ``source`` (a path or a URL) by decoding its first frame, or the one in ``first_packet``.

    ``stream`` is the number of the stream to look at; ``None`` chooses as :func:`~conviqt_cli.video.streams.choose`
    does, and raises what it raises.

    Raises :class:`InputError` when it cannot be opened or holds no video, or no such stream, :class:`LimitError` when
    its picture is too small or too large, or when nothing came within ``timeout`` seconds.
    """
    try:
        info = _read(source, _look_at_the_video(source, timeout, first_packet, stream), timeout)
        info = _with_alpha(info, timeout, first_packet) if info.alpha_unseen else info
    except TimeoutError:
        raise LimitError(
            f"{source}: no picture was decoded within {timeout:g} s; raise the timeout if the source is just slow"
        ) from None
    check_size(info, smallest)
    return info


def _look_at_the_video(source: str, timeout: float, first_packet: int, wanted: int | None) -> list[Line]:
    """What ffmpeg says of the wanted stream (``None``: the one that is the video); most files need one look."""
    lines = _look(source, timeout, first_packet, wanted)
    listing = Listing.parse(lines)
    if listing is None:
        return lines
    if wanted is not None:
        check_choice(source, listing, wanted)
        return lines
    chosen = choose(source, listing, timeout)
    return lines if chosen is None or chosen == _mapped(lines) else _look(source, timeout, first_packet, chosen)


def _with_alpha(info: VideoInfo, timeout: float, first_packet: int) -> VideoInfo:
    """The facts as a decoder finds them that reads transparency, if ffmpeg has it."""
    decoder = _ALPHA_DECODERS.get(info.codec)
    if decoder is None:
        return info
    frames = FrameFacts.among(_look(info.source, timeout, first_packet, info.stream, decoder))
    if not frames or not has_alpha(frames[0].pixel_format):
        return info
    return replace(info, pixel_format=frames[0].pixel_format, decoder=decoder, alpha_unseen=False)


def _mapped(lines: list[Line]) -> int | None:
    """Number of the stream that was looked at."""
    return next((int(m[1]) for line in lines if line.level and (m := _MAPPED.match(line.text))), None)


def _look(source: str, timeout: float, first_packet: int, stream: int | None, decoder: str | None = None) -> list[Line]:
    """What ffmpeg says of the input and of the frames it decoded."""
    with ffmpeg.opened(source) as (options, name, descriptors):
        command = ffmpeg.probe_command(options, name, first_packet, stream, decoder)
        said = ffmpeg_process.messages(command, descriptors, timeout)
    return Line.read(said)


def check_size(info: VideoInfo, smallest: int = MIN_SIDE) -> None:
    """Raise :class:`LimitError` for a picture whose short side is below ``smallest`` pixels."""
    if min(info.width, info.height) < smallest:
        raise LimitError(
            f"{info.source}: the picture is {info.width}x{info.height} pixels; "
            f"its shorter side must be at least {smallest} to be scored"
        )


def _read(source: str, lines: list[Line], timeout: float) -> VideoInfo:
    frames = FrameFacts.among(lines)
    listing = Listing.parse(lines)
    mapped = _mapped(lines)
    stream = listing.stream(mapped) if listing is not None and mapped is not None else None
    if not frames or listing is None or stream is None:
        raise _no_picture(source, lines, [each.kind for each in listing.streams] if listing else [])
    frame = frames[0]
    if listing.container.startswith("mov") and stream.id in encrypted_tracks(source):
        raise InputError(f"{source}: {ENCRYPTED}")
    turn = (0, False)
    if stream.rotation is not None:
        turn = read_turn(source, stream.index, timeout) or (stream.rotation, False)
    colour = parse_colour(lines)
    matrix, assumed = _matrix(frame, colour, sideways=turn[0] in (90, 270))
    full_range = matrix in ("rgb", "xyz") or frame.pixel_format.startswith("yuvj") or colour.get("range") == "pc"
    rate = next((m for line in lines if (m := _RATE.search(line.text))), None)
    # Pictures joined as bytes are a motion picture; a single one is a still, whatever rate ffmpeg makes up for it.
    # HEIF pictures come in MP4's boxes, without a duration.
    piped = stream.codec in _STILL_CODECS and listing.container.endswith(("_pipe", "image2"))
    heif = listing.container.startswith("mov") and listing.duration is None
    still = (piped or heif) and len(frames) == 1
    return VideoInfo(
        source=source,
        width=frame.width,
        height=frame.height,
        fps=Fraction(int(rate[1]), int(rate[2])) if rate and int(rate[1]) and int(rate[2]) and not still else None,
        duration=None if still else listing.duration,
        codec=stream.codec,
        container=listing.container,
        pixel_format=frame.pixel_format,
        bit_depth=min(bit_depth(frame.pixel_format), stream.bits or 32),
        matrix=matrix,
        matrix_assumed=assumed,
        range="pc" if full_range else "tv",
        transfer=colour.get("trc", "unknown"),
        primaries=colour.get("primaries", "unknown"),
        rotation=turn[0],
        mirrored=turn[1],
        sample_aspect=frame.sample_aspect,
        interlaced=frame.interlaced,
        stream=stream.index,
        video_streams=max(1, len(listing.videos)),
        frame_count=1 if still else None,
        alpha_unseen=stream.metadata.get("alpha_mode") == "1" and not has_alpha(frame.pixel_format),
        dolby_vision=stream.dolby_vision[0] if stream.dolby_vision else None,
    )


def _matrix(frame: FrameFacts, colour: dict[str, str], sideways: bool) -> tuple[str, bool]:
    """Name of the matrix, and whether it is a guess: BT.709 for what is larger than standard definition, else BT.601.

    Players guess by the size as it is stored: HD is 1280 pixels wide or more than 576 high.
    """
    if is_rgb(frame.pixel_format):
        return "rgb", False
    if is_xyz(frame.pixel_format):
        return "xyz", False
    stated = colour.get("space", "unknown")
    if stated not in ("unknown", "reserved"):
        return stated, False
    if colour.get("primaries") == "bt2020":
        return "bt2020nc", True
    width, height = (frame.height, frame.width) if sideways else (frame.width, frame.height)
    return ("bt709" if width >= 1280 or height > 576 else "smpte170m"), True


def _no_picture(source: str, lines: list[Line], kinds: list[str]) -> InputError | LimitError:
    trouble = [line.text for line in lines if line.level in ("error", "fatal")]
    text = " ".join(trouble)
    if "exceeds specified max pixel count" in text or "Picture size" in text:
        return LimitError(f"{source}: the picture has more than {ffmpeg.MAX_PIXELS:,} pixels, the limit")
    reason = explain(source)
    if reason or "DRM protected" in text:
        return InputError(f"{source}: {reason or ENCRYPTED}")
    if "matches no streams" in text:
        found = " and ".join(sorted({kind.lower() for kind in kinds})) or "no streams"
        cover = "Video" in kinds
        held = "only audio and cover art" if cover else f"only {found}"
        return InputError(f"{source}: no video stream ({held})")
    if "moov atom not found" in text:
        return InputError(f"{source}: the file is truncated: its index (moov) is missing; get a complete copy")
    if "Invalid data found" in text or not trouble:
        where = "" if kinds else ", or damaged from the start"
        return InputError(f"{source}: not a video that ffmpeg can read{where}")
    return InputError(f"{source}: ffmpeg cannot read it: {trouble[0].removeprefix('Error opening input: ')}")
