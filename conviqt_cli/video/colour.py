"""From what a stream holds to the RGB that its viewer sees: matrix, range, HDR, transparency."""

from __future__ import annotations

from conviqt_cli.video import ffmpeg, planes
from conviqt_cli.video.pixel_formats import has_alpha
from conviqt_cli.video.probe import VideoInfo

#: Transfer functions of HDR video, as ffmpeg and as people call them.
HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}

#: swscale's names for the YCbCr matrices that showinfo reports.
_SCALE_MATRIX = {
    "bt709": "bt709",
    "fcc": "fcc",
    "bt470bg": "bt470",
    "smpte170m": "smpte170m",
    "smpte240m": "smpte240m",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}

#: zscale's names of matrices and primaries; what is not here is read as BT.2020.
_ZSCALE_MATRIX = {"rgb": "gbr", "bt709": "bt709", "bt2020nc": "bt2020nc", "bt2020c": "bt2020c", "ictcp": "ictcp"}
_ZSCALE_PRIMARIES = {"bt709", "bt2020", "smpte431", "smpte432"}

#: Reference white of HDR video in cd/m2 (ITU-R BT.2408): the white of SDR.
_REFERENCE_WHITE = 203

#: Share of SDR's range that tone mapping leaves as it is; only what is brighter is compressed.
_UNTOUCHED = 0.7


def filters(info: VideoInfo) -> list[str]:
    """ffmpeg filters that turn the stream into RGB of a constant size, as an SDR screen shows it.

    The size is that of ``info``, as displayed; only where a video changes its size midway is a frame ever rescaled, and
    then without distorting it: the rest is black. HDR is tone-mapped where ffmpeg can, and transparent pixels lie on
    black.
    """
    tone_mapped = is_tone_mapped(info)
    flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    scale = f"scale={info.width}:{info.height}:force_original_aspect_ratio=decrease:flags={flags}"
    if info.matrix not in ("rgb", "xyz") and not tone_mapped:
        range_name = "full" if info.range == "pc" else "limited"
        scale += f":in_color_matrix={_SCALE_MATRIX.get(info.matrix, 'bt709')}:in_range={range_name}"
        if info.matrix not in _SCALE_MATRIX:
            # ffmpeg refuses to convert what is tagged with a matrix that it does not know.
            scale = f"setparams=colorspace=bt709,{scale}"
    scale += ":out_range=full"
    pad = f"pad={info.width}:{info.height}:(ow-iw)/2:(oh-ih)/2"
    if tone_mapped:
        return [*_tone_mapping(info), scale, "format=rgb24", pad]
    if has_alpha(info.pixel_format):
        return [scale, "format=gbrap", "premultiply=inplace=1", "format=rgb24", pad]
    return [scale, "format=rgb24", pad]


def plane_filters(info: VideoInfo) -> list[str]:
    """ffmpeg filters that leave the planes of a video as they are, of a constant size; see :func:`has_planes`."""
    size = f"{info.width}:{info.height}"
    fit = f"scale={size}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic+accurate_rnd"
    return [fit, "format=yuv420p", f"pad={size}:(ow-iw)/2:(oh-ih)/2"]


def _tone_mapping(info: VideoInfo) -> list[str]:
    """HDR to SDR: what lies below reference white stays as it is, highlights are compressed towards white."""
    primaries = info.primaries if info.primaries in _ZSCALE_PRIMARIES else "bt2020"
    matrix, range_name = _ZSCALE_MATRIX.get(info.matrix, "bt2020nc"), "full" if info.range == "pc" else "limited"
    return [
        f"zscale=tin={info.transfer}:min={matrix}:pin={primaries}:rin={range_name}"
        f":t=linear:m=gbr:p={primaries}:npl={_REFERENCE_WHITE}",
        "format=gbrpf32le",
        "zscale=p=bt709",
        f"tonemap=mobius:param={_UNTOUCHED}:desat=0",
        "zscale=t=bt709:m=gbr:r=full",
        "format=gbrp",
    ]


def is_tone_mapped(info: VideoInfo) -> bool:
    """Whether it is HDR video and the ffmpeg in use can make SDR of it."""
    return info.transfer in HDR_TRANSFERS and ffmpeg.has_filters("zscale", "tonemap")


def matrix_is_known(info: VideoInfo) -> bool:
    """Whether the conversion to RGB knows this stream's matrix: YCgCo, for one, it does not.

    Dolby Vision profile 5 has a matrix of its own that it does not state.
    """
    if info.dolby_vision == 5:
        return False
    if info.matrix in ("rgb", "xyz") or info.matrix in _SCALE_MATRIX:
        return True
    return is_tone_mapped(info) and info.matrix in _ZSCALE_MATRIX


def has_planes(info: VideoInfo) -> bool:
    """Whether frames can be had as 8-bit 4:2:0 planes of even sides, which this package can turn into RGB itself.

    At odd sides swscale stretches the chroma planes a little, so that parts would differ from what it makes of them.
    """
    even = info.width % 2 == info.height % 2 == 0
    plain = info.matrix in planes.LUMA_WEIGHTS and info.transfer not in HDR_TRANSFERS
    return even and plain and info.pixel_format in ("yuv420p", "yuvj420p", "yuv420p10le", "yuv420p12le")
