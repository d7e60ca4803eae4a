"""Decoding: the right pixels, the right times, and no silence about what is missing."""

from __future__ import annotations

import subprocess
import time

import numpy as np
import pytest

from conviqt_cli.errors import DecodeError, LimitError
from conviqt_cli.training.distortions.video_loss import split_units
from conviqt_cli.video import ffmpeg as binary
from conviqt_cli.video.decode import QUEUE_FRAMES, FrameStream
from conviqt_cli.video.probe import probe
from conviqt_cli.video.timeline import read_timeline


def decode(path, **span):
    with FrameStream(probe(str(path)), **span) as stream:
        return list(stream), stream.report


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize(("range_", "pixel_format"), [("tv", "yuv444p"), ("pc", "yuv444p"), ("tv", "yuv444p10le")])
def test_colours_survive_the_way_through_any_matrix_and_range(make_video, tmp_path, matrix, range_, pixel_format):
    # ffmpeg turns known RGB into tagged YCbCr; decoding has to bring the same RGB back.
    to = {"bt709": "bt709", "smpte170m": "smpte170m", "bt2020nc": "bt2020"}[matrix]
    full = "full" if range_ == "pc" else "limited"
    filters = (
        f"drawbox=w=48:c=0xC83214:t=fill,drawbox=x=48:c=0x1E78D2:t=fill,format=gbrp,"
        f"scale=out_color_matrix={to}:out_range={full}:flags=accurate_rnd+full_chroma_int,format={pixel_format},"
        f"setparams=colorspace={matrix}:range={range_}"
    )
    path = make_video(tmp_path / "a.mkv", "-c:v", "ffv1", source="color", filters=filters, frames=1)
    (frame,), _ = decode(path)
    assert probe(str(path)).matrix == matrix
    assert np.abs(frame.pixels[32, 24].astype(int) - (0xC8, 0x32, 0x14)).max() <= 2
    assert np.abs(frame.pixels[32, 72].astype(int) - (0x1E, 0x78, 0xD2)).max() <= 2


def test_every_frame_in_order_at_odd_sizes(make_video, ffmpeg, tmp_path):
    path = make_video(tmp_path / "a.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp", source="testsrc", size="97x65", frames=23)
    raw = subprocess.run(
        [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    ).stdout
    frames, report = decode(path)
    expected = np.frombuffer(raw, np.uint8).reshape(23, 65, 97, 3)
    assert report.frames == 23 and [frame.index for frame in frames] == list(range(23))
    assert np.array_equal(np.stack([frame.pixels for frame in frames]), expected)


def test_times_of_a_variable_frame_rate(make_video, tmp_path):
    # Of 25 frames a second, keep 0, 1, 2, then every tenth.
    filters = "select='lt(n,3)+not(mod(n,10))'"
    path = make_video(tmp_path / "a.mkv", "-c:v", "libx264", "-fps_mode", "vfr", filters=filters, frames=6)
    frames, report = decode(path)
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.04, 0.08, 0.4, 0.8, 1.2]
    assert report.frames == 6


def test_start_and_duration_cut_out_a_part_on_the_files_own_clock(sample):
    whole, _ = decode(sample)
    part, _ = decode(sample, start=1.0, duration=0.4)
    assert [frame.time for frame in part] == pytest.approx([frame.time for frame in whole[25:35]])
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(part, whole[25:35], strict=True))
    with pytest.raises(DecodeError, match="no frame could be decoded in the requested part"):
        decode(sample, start=60.0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", ("-movflags", "+faststart")),
        ("a.mkv", ()),
        ("a.avi", ("-c:v", "mpeg4")),
        ("a.webm", ("-c:v", "libvpx")),
    ],
)
def test_a_file_cut_short_is_an_error(make_video, tmp_path, name, options):
    data = make_video(tmp_path / name, *options, frames=80).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DecodeError, match="truncated"):
        decode(tmp_path / name)


def test_damage_in_the_middle_is_reported(make_video, tmp_path):
    path = make_video(tmp_path / "a.mkv", "-c:v", "mpeg4", "-b:v", "400k", frames=60, size="192x128")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    try:
        _, report = decode(path)
    except DecodeError:
        return
    assert report.damaged + report.lost > 0


def test_picture_size_that_changes_midway(make_video, tmp_path):
    small, large = make_video(tmp_path / "a.h264", frames=5), make_video(tmp_path / "b.h264", frames=5, size="128x96")
    (tmp_path / "c.h264").write_bytes(small.read_bytes() + large.read_bytes())
    frames, report = decode(tmp_path / "c.h264")
    assert {frame.pixels.shape for frame in frames} == {(64, 96, 3)}
    assert report.frames == 10 and report.format_changes == 1


def test_leaving_early_stops_the_decoder(make_video, tmp_path):
    path = make_video(tmp_path / "a.mkv", "-c:v", "mpeg4", frames=500, size="320x180")
    with FrameStream(probe(str(path))) as stream:
        next(iter(stream))
        time.sleep(0.3)
        assert stream._pictures.qsize() <= QUEUE_FRAMES
        process = stream._process
    assert process is not None and process.returncode is not None


def test_a_silent_decoder_is_given_up(sample, ffmpeg, tmp_path, monkeypatch):
    # Answers every question of probing, then hangs instead of decoding.
    stuck = tmp_path / "ffmpeg"
    stuck.write_text(f'#!/bin/sh\ncase "$*" in *pipe:1*) exec sleep 60;; *) exec "{ffmpeg}" "$@";; esac\n')
    stuck.chmod(0o755)
    monkeypatch.setenv("CONVIQT_FFMPEG", str(stuck))
    binary.find_ffmpeg.cache_clear()
    try:
        assert binary.find_ffmpeg().path == str(stuck)
        info = probe(str(sample))
        with FrameStream(info, timeout=1.0) as stream, pytest.raises(LimitError, match="no frame for 1 s"):
            next(iter(stream))
        assert stream._process is not None and stream._process.returncode is not None
    finally:
        binary.find_ffmpeg.cache_clear()


def test_where_pictures_were_repaired_is_known_to_within_a_few_frames(make_video, ffmpeg, tmp_path):
    options = ("-c:v", "libx264", "-x264-params", "keyint=100:bframes=0:slices=4:aud=0", "-f", "h264")
    units = split_units(make_video(tmp_path / "a.h264", *options, frames=60, size="192x128").read_bytes())
    frame, kept = -1, []
    for unit in units:
        frame += unit.is_slice and unit.opens_frame
        if not (unit.is_slice and not unit.opens_frame and 24 <= frame < 36):
            kept.append(unit.data)
    (tmp_path / "b.h264").write_bytes(b"".join(kept))
    path = tmp_path / "b.mkv"
    remux = [ffmpeg, "-v", "error", "-r", "25", "-f", "h264", "-i", tmp_path / "b.h264", "-c", "copy", path]
    subprocess.run(remux, check=True)
    info = probe(str(path))
    timeline = read_timeline(info)
    for windows in (None, [(0, 15), (20, 59)]):
        _, report = decode(path, timeline=timeline, windows=windows)
        ((begin, end),) = report.repaired
        assert begin == pytest.approx(24 / 25, abs=0.33) and end == pytest.approx(36 / 25, abs=0.33)
    assert not decode(path, timeline=timeline, windows=[(0, 15)])[1].repaired
