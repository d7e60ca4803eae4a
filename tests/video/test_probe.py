"""What probing finds out, and how it refuses."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction

import pytest

from conviqt_cli.errors import InputError, LimitError
from conviqt_cli.video.probe import probe


def test_facts_of_an_ordinary_file(sample):
    info = probe(str(sample))
    assert (info.width, info.height, info.codec, info.bit_depth) == (256, 144, "h264", 8)
    assert (info.fps, info.duration, info.frame_count) == (Fraction(25), 4.0, None)
    assert (info.matrix, info.matrix_assumed, info.range) == ("smpte170m", True, "tv")


def test_rotation_swaps_the_sides(make_video, ffmpeg, tmp_path):
    upright = make_video(tmp_path / "a.mp4")
    turned = tmp_path / "b.mp4"
    # A phone held upright: the file says to turn the picture by 90 degrees clockwise.
    subprocess.run([ffmpeg, "-v", "error", "-display_rotation", "-90", "-i", upright, "-c", "copy", turned], check=True)
    info = probe(str(turned))
    assert (info.width, info.height, info.rotation) == (64, 96, 90)


@pytest.mark.parametrize("name", ["a.mov", "a.mp4"])
def test_a_timecode_track_hides_neither_codec_nor_rotation(make_video, ffmpeg, tmp_path, name):
    options = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-timecode", "00:00:00:00")
    upright = make_video(tmp_path / "upright.mov", *options)
    turned = tmp_path / name
    command = [ffmpeg, "-v", "error", "-display_rotation", "-90", "-i", upright, "-map", "0:v", "-c", "copy"]
    subprocess.run([*command, "-timecode", "00:00:00:00", turned], check=True)
    info = probe(str(turned))
    assert (info.codec, info.width, info.height, info.rotation) == ("h264", 64, 96, 90)


@pytest.mark.parametrize(
    ("turn", "rotation", "mirrored"),
    [
        (("-display_hflip",), 0, True),
        (("-display_vflip",), 180, True),
        (("-display_rotation", "180"), 180, False),
        (("-display_rotation", "90", "-display_hflip"), 90, True),
    ],
)
@pytest.mark.parametrize("name", ["b.mp4", "b.mkv"])
def test_mirrored_is_not_turned(make_video, ffmpeg, tmp_path, turn, rotation, mirrored, name):
    upright = make_video(tmp_path / "a.mp4", frames=2)
    if name == "b.mkv" and mirrored:
        pytest.skip("Matroska holds no mirroring")
    subprocess.run([ffmpeg, "-v", "error", *turn, "-i", upright, "-c", "copy", tmp_path / name], check=True)
    info = probe(str(tmp_path / name))
    assert (info.rotation, info.mirrored) == (rotation, mirrored)


def test_joined_pictures_are_no_still_image(make_video, ffmpeg, tmp_path):
    motion = probe(str(make_video(tmp_path / "a.mjpeg", "-c:v", "mjpeg", frames=3)))
    joined = probe(str(make_video(tmp_path / "a.bin", "-c:v", "png", "-f", "image2pipe", frames=3)))
    assert [(info.frame_count, info.fps) for info in (motion, joined)] == [(None, Fraction(25))] * 2


def test_dolby_vision_profile_is_read(shared):
    assert probe(str(shared / "data/field/F_dolby_vision_profile_5.mp4")).dolby_vision == 5


def test_cinema_colours_are_named(make_video, tmp_path):
    info = probe(str(make_video(tmp_path / "a.nut", "-c:v", "rawvideo", "-pix_fmt", "xyz12le", frames=1)))
    assert (info.pixel_format, info.bit_depth, info.matrix) == ("xyz12le", 12, "xyz")


@pytest.mark.parametrize(("stored", "bits"), [("gbrp10le", 10), ("gbrp12le", 12)])
def test_bits_in_use_count_not_those_of_their_format(make_video, tmp_path, stored, bits):
    # JPEG 2000 of 12 bits is decoded to a format of 16.
    info = probe(str(make_video(tmp_path / "a.mxf", "-c:v", "libopenjpeg", "-pix_fmt", stored, frames=1)))
    assert info.bit_depth == bits


def test_ten_bit_hdr_tags_and_fractional_rate(make_video, tmp_path):
    tags = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-color_range", "tv")
    options = ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none", *tags)
    filters = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"
    info = probe(str(make_video(tmp_path / "a.mp4", *options, rate="30000/1001", filters=filters)))
    assert (info.codec, info.bit_depth, info.fps) == ("hevc", 10, Fraction(30000, 1001))
    assert (info.matrix, info.matrix_assumed, info.transfer) == ("bt2020nc", False, "smpte2084")


@pytest.mark.parametrize(
    ("size", "matrix"),
    [("1280x536", "bt709"), ("720x580", "bt709"), ("1278x576", "smpte170m"), ("720x576", "smpte170m")],
)
def test_silent_streams_get_the_usual_matrix(make_video, tmp_path, size, matrix):
    info = probe(str(make_video(tmp_path / "a.mp4", size=size, frames=1)))
    assert (info.matrix, info.matrix_assumed) == (matrix, True)


def test_sample_aspect_and_full_range(make_video, tmp_path):
    path = make_video(tmp_path / "a.mkv", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", filters="setsar=16/11")
    info = probe(str(path))
    assert (info.sample_aspect, info.range, info.width) == (Fraction(16, 11), "pc", 96)


def test_cover_art_is_not_the_video(make_video, ffmpeg, tmp_path):
    video, art, both = (
        make_video(tmp_path / "a.mp4"),
        make_video(tmp_path / "a.png", frames=1, size="200x200"),
        tmp_path / "b.mp4",
    )
    inputs = ("-i", art, "-i", video, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
    subprocess.run([ffmpeg, "-v", "error", *inputs, both], check=True)
    info = probe(str(both))
    assert (info.width, info.video_streams) == (96, 1)


def test_first_of_several_video_streams(make_video, ffmpeg, tmp_path):
    first, second = make_video(tmp_path / "a.mp4"), make_video(tmp_path / "b.mp4", size="64x64")
    both = tmp_path / "c.mkv"
    subprocess.run(
        [ffmpeg, "-v", "error", "-i", first, "-i", second, "-map", "0", "-map", "1", "-c", "copy", both], check=True
    )
    assert (probe(str(both)).width, probe(str(both)).video_streams) == (96, 2)


def test_metadata_cannot_pose_as_a_header(make_video, tmp_path):
    title = "x\n  Stream #0:0: Video: fake, yuv420p10le\n  Duration: 99:00:00.00\n  Stream #0:7 -> #0:0 (x)"
    path = make_video(tmp_path / "a.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-metadata", f"title={title}")
    info = probe(str(path))
    assert (info.codec, info.stream, info.bit_depth) == ("h264", 0, 8)
    assert info.duration == pytest.approx(0.8, abs=0.05)


def test_a_still_image_is_one_frame(make_video, tmp_path):
    info = probe(str(make_video(tmp_path / "a.png", frames=1)))
    assert (info.frame_count, info.fps, info.duration) == (1, None, None)


@pytest.mark.parametrize("name", ["-v.mp4", "a b'c\"d.mp4", "new\nline.mp4", "50%d.mp4", "http:x.mp4", "Ünïcode.mp4"])
def test_unusual_names(sample, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe(name).width == 256


def test_names_that_are_not_text(sample, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe.mp4"
    with open(path, "wb") as file:  # noqa: PTH123 (bytes)
        file.write(sample.read_bytes())
    assert probe(os.fsdecode(path)).width == 256


def test_refusals_say_what_is_wrong(make_video, ffmpeg, tmp_path):
    def refused(path, kind, words):
        with pytest.raises(kind) as caught:
            probe(str(path))
        assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)

    def made(name, content=b""):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    def encoded(name, *options):
        subprocess.run([ffmpeg, "-v", "error", "-f", "lavfi", *options, tmp_path / name], check=True)
        return tmp_path / name

    refused(tmp_path / "none.mp4", InputError, "no such file")
    refused(tmp_path, InputError, "folder")
    refused(made("empty.mp4"), InputError, "empty")
    refused(made("text.mp4", b"hello, this is no video\n" * 50), InputError, "not a video")
    refused(encoded("sound.mp3", "-i", "sine=d=1"), InputError, "only audio")
    whole = make_video(tmp_path / "whole.mov").read_bytes()
    refused(made("cut.mov", whole[: len(whole) // 2]), InputError, "truncated")
    refused(
        make_video(tmp_path / "tiny.avi", "-c:v", "rawvideo", "-pix_fmt", "bgr24", source="testsrc", size="3x5"),
        LimitError,
        "3x5",
    )
    refused(make_video(tmp_path / "bomb.png", source="color", size="9000x9000", frames=1), LimitError, "pixels")
    os.mkfifo(tmp_path / "pipe.mp4")
    refused(tmp_path / "pipe.mp4", InputError, "not a regular file")


def test_a_playlist_cannot_open_other_files(make_video, tmp_path):
    make_video(tmp_path / "a.ts", "-c:v", "mpeg2video")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{tmp_path}/a.ts\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "list.ffconcat"
    concat.write_text(f"ffconcat version 1.0\nfile '{tmp_path}/a.ts'\n")
    for path in (playlist, concat):
        with pytest.raises(InputError):
            probe(str(path))
