"""What a viewer sees: HDR on an SDR screen, transparency on black, matrices that nobody knows."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conviqt_cli.plans.picture_plan import SOURCE
from conviqt_cli.scoring.warnings import INTERLACED_SHARE, video_notes
from conviqt_cli.video import ffmpeg as binary
from conviqt_cli.video.decode import DecodeReport, FrameStream
from conviqt_cli.video.probe import VideoInfo, probe
from conviqt_cli.video.timeline import read_timeline

#: Two colours that no tone mapping touches, and how to draw them on the left and on the right.
LEFT, RIGHT = (0x60, 0x30, 0x80), (0x30, 0x70, 0x50)
HALVES = "drawbox=w=48:c=0x603080:t=fill,drawbox=x=48:c=0x307050:t=fill,format=gbrp"


def decode(path: Path) -> tuple[VideoInfo, np.ndarray, DecodeReport]:
    info = probe(str(path))
    with FrameStream(info, timeline=read_timeline(info)) as stream:
        return info, next(iter(list(stream))).pixels.astype(int), stream.report


def codes(info: VideoInfo, report: DecodeReport) -> dict[str, str]:
    return {note.code: note.text for note in video_notes(info, report, None, 0, SOURCE)}


@pytest.mark.parametrize(
    ("transfer", "matrix", "pixel_format"),
    [
        ("smpte2084", "bt2020nc", "yuv444p10le"),
        ("arib-std-b67", "bt2020nc", "yuv444p12le"),
        ("smpte2084", "ictcp", "yuv444p12le"),
    ],
)
def test_hdr_is_shown_as_sdr(make_video, tmp_path, transfer, matrix, pixel_format):
    # SDR white is 203 cd/m2 in HDR (ITU-R BT.2408), so that SDR video in an HDR stream looks as it did.
    to_hdr = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,"
        "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020,"
        f"zscale=t={transfer}:m={matrix}:r=limited:npl=203,format={pixel_format}"
    )
    tags = f"setparams=colorspace={matrix}:color_primaries=bt2020:color_trc={transfer}:range=tv"
    path = make_video(tmp_path / "a.mkv", "-c:v", "ffv1", source="color", filters=f"{HALVES},{to_hdr},{tags}", frames=2)
    info, pixels, report = decode(path)
    assert info.transfer == transfer
    assert np.abs(pixels[32, 24] - LEFT).max() <= 4 and np.abs(pixels[32, 72] - RIGHT).max() <= 4
    found = codes(info, report)
    assert "tone-mapped" in found["hdr"] and "matrix" not in found


def test_hdr_without_tone_mapping_is_said(make_video, tmp_path, monkeypatch):
    monkeypatch.setattr(binary, "has_filters", lambda *names: False)
    tags = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"
    path = make_video(tmp_path / "a.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", filters=tags, frames=2)
    info, _, report = decode(path)
    assert "without tone mapping" in codes(info, report)["hdr"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-b:v", "2M")),
        ("b.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "2M")),
        ("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le")),
        ("b.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
        ("c.mov", ("-c:v", "png", "-pix_fmt", "rgba")),
        ("a.png", ("-pix_fmt", "rgba64be", "-frames:v", "1")),
    ],
)
@pytest.mark.parametrize("opaque", [False, True])
def test_what_lies_behind_transparent_pixels_is_never_seen(make_video, tmp_path, name, options, opaque):
    alpha = "255" if opaque else "if(lt(X,48),0,255)"
    filters = f"{HALVES},format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='{alpha}'"
    frames = 1 if name.endswith(".png") else 8
    info, pixels, report = decode(make_video(tmp_path / name, *options, source="color", filters=filters, frames=frames))
    assert np.abs(pixels[32, 12] - (LEFT if opaque else (0, 0, 0))).max() <= 12
    assert np.abs(pixels[32, 84] - RIGHT).max() <= 12
    assert ("alpha" in codes(info, report)) is not opaque


def test_transparency_that_cannot_be_read_is_said(shared):
    info = probe(str(shared / "data/field/F_alpha_hides_noise.webm"))
    assert info.decoder == "libvpx-vp9"
    blind = replace(info, decoder=None, pixel_format="yuv420p", alpha_unseen=True)
    assert "cannot read" in codes(blind, DecodeReport())["alpha"]


def test_field_file_with_hidden_noise_is_what_it_looks_like_on_black(shared):
    _, hidden, report = decode(shared / "data/field/F_alpha_hides_noise.webm")
    _, shown, _ = decode(shared / "data/field/F_alpha_as_shown_on_black.mp4")
    assert report.transparent and np.abs(hidden - shown).mean() < 3


def test_matrices_that_are_not_known_are_named(make_video, tmp_path):
    tagged = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bsf:v", "h264_metadata=matrix_coefficients=8")
    path = make_video(tmp_path / "a.mkv", *tagged, frames=2)
    info, _, report = decode(path)
    assert "ycgco" in codes(info, report)["matrix"]


def with_dolby_vision(path: Path, profile: int) -> None:
    """Put a configuration record into an MP4 file whose index stands at its end."""
    data = bytearray(path.read_bytes())
    level = 6
    flags = profile << 9 | level << 3 | 0b101
    record = struct.pack(">I4sBBHB", 32, b"dvcC" if profile < 8 else b"dvvC", 1, 0, flags, 0x10 * (profile == 8))
    entry = data.index(b"hvc1", data.index(b"stsd")) - 4
    end = entry + int.from_bytes(data[entry : entry + 4], "big")
    data[end:end] = record.ljust(32, b"\0")
    at = [data.index(name) - 4 for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")]
    for box in (*at, entry):
        data[box : box + 4] = (int.from_bytes(data[box : box + 4], "big") + 32).to_bytes(4, "big")
    path.write_bytes(data)


@pytest.mark.parametrize(("profile", "said"), [(5, True), (8, False)])
def test_dolby_vision_without_a_compatible_layer_is_warned_of(make_video, tmp_path, profile, said):
    options = ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", "-x265-params", "log-level=none")
    path = make_video(tmp_path / "a.mp4", *options, frames=3)
    with_dolby_vision(path, profile)
    info, _, report = decode(path)
    assert info.dolby_vision == profile
    assert ("dolby_vision" in codes(info, report)) is said


def test_field_file_of_dolby_vision_profile_5(shared):
    info, _, report = decode(shared / "data/field/F_dolby_vision_profile_5.mp4")
    assert "dolby_vision" in codes(info, report)


def interlaced_then(ffmpeg: str, folder: Path, first: Path, second: Path) -> Path:
    joined, path = folder / "joined.m2v", folder / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    command = [ffmpeg, "-v", "error", "-fflags", "+genpts", "-i", joined, "-c", "copy"]
    subprocess.run([*command, "-bsf:v", "setts=ts=N*3600", path], check=True)
    return path


@pytest.mark.parametrize("begins_progressive", [True, False])
def test_interlace_is_counted_over_the_frames(make_video, ffmpeg, tmp_path, begins_progressive):
    fields = ("-c:v", "mpeg2video", "-flags", "+ildct+ilme")
    woven = make_video(tmp_path / "i.m2v", *fields, filters="interlace=lowpass=off", rate="50", frames=40)
    few = make_video(tmp_path / "p.m2v", "-c:v", "mpeg2video", frames=3)
    many = make_video(tmp_path / "q.m2v", "-c:v", "mpeg2video", frames=60)
    one = make_video(tmp_path / "o.m2v", *fields, filters="interlace=lowpass=off", rate="50", frames=1)
    path = interlaced_then(ffmpeg, tmp_path, few, woven) if begins_progressive else interlaced_then(
        ffmpeg, tmp_path, one, many
    )  # fmt: skip
    _, _, report = decode(path)
    assert (report.interlaced >= INTERLACED_SHARE) is begins_progressive


def test_field_file_that_is_interlaced_after_three_frames(shared):
    _, _, report = decode(shared / "data/field/E_interlaced_after_three_progressive_frames.ts")
    assert report.interlaced > 0.5
