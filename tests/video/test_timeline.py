"""When frames are shown, told from packets alone; and decoding just the frames that are wanted."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from conviqt_cli.errors import DecodeError, InputError
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import parse_plan
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe
from conviqt_cli.video.timeline import read_timeline

X264 = ("-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-color_range", "pc")


@pytest.fixture(scope="module")
def counted(ffmpeg, tmp_path_factory):
    """Make a video whose frame n is grey of level 2 n: ``counted(name, *options, frames=..., rate=...)``."""
    folder = tmp_path_factory.mktemp("counted")

    def make(name, *options, frames=100, rate=25, first=0):
        path = folder / name
        grey = f"geq=lum='2*(N+{first})':cb=128:cr=128,scale=in_range=full:out_range=full,format=yuvj420p"
        command = [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", f"color=s=64x48:r={rate}", "-vf", grey]
        subprocess.run([*command, "-frames:v", str(frames), *options, path], check=True)
        return path

    return make


@pytest.fixture(scope="module")
def copy(ffmpeg):
    """Put a video's packets into another file."""

    def run(path, to, *options):
        subprocess.run([ffmpeg, "-v", "error", "-y", "-i", path, *options, "-c", "copy", to], check=True)
        return to

    return run


def shown(path, ranges, timeline=None):
    """Frames' own counters, as decoded for ``ranges``, and their numbers in the timeline."""
    info = probe(str(path))
    timeline = timeline or read_timeline(info)
    with FrameStream(info, timeline=timeline, windows=ranges) as stream:
        frames = list(stream)
    return [round(float(frame.pixels.mean()) / 2) for frame in frames], [frame.index for frame in frames], stream


B_FRAMES = (*X264, "-preset", "medium", "-bf", "3", "-g", "20")
CLOSED = ("-x264-params", "open-gop=0:scenecut=0")
OPEN = ("-x264-params", "open-gop=1:scenecut=0")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.m2ts", "a.flv", "a.nut"])
@pytest.mark.parametrize("groups", [CLOSED, OPEN], ids=["closed", "open"])
def test_only_what_is_wanted_is_decoded_and_it_is_the_right_frames(counted, copy, tmp_path, name, groups):
    path = copy(counted(f"{groups[1][9]}.mp4", *B_FRAMES, *groups), tmp_path / name)
    values, numbers, stream = shown(path, [(3, 5), (46, 61), (57, 62), (93, 99)])
    assert numbers == [3, 4, 5, *range(46, 63), *range(93, 100)]
    assert values == numbers
    assert stream._log.frames < 75 or groups is OPEN  # what lies between is not decoded
    times = read_timeline(probe(str(path)))
    assert times.times == pytest.approx(np.arange(100) / 25, abs=0.001) and times.end == pytest.approx(4.0, abs=0.001)
    assert np.array_equal(times.even_times(), np.arange(100) / 25)


def test_hundreds_of_windows(make_video, tmp_path):
    path = make_video(tmp_path / "a.mp4", "-c:v", "libx264", "-g", "4", "-bf", "0", size="64x48", frames=2500)
    ranges = [(at, at + 1) for at in range(0, 2500, 10)]
    _, numbers, stream = shown(path, ranges)
    assert numbers == [number for pair in ranges for number in pair] and stream._log.frames < 1600


@pytest.mark.parametrize("name", ["a.h264", "a.avi"])
def test_streams_without_a_clock_are_counted(counted, copy, tmp_path, name):
    path = copy(counted("lossy.mp4", *B_FRAMES, "-qp", "4", *CLOSED), tmp_path / name)
    timeline = read_timeline(probe(str(path)))
    assert not timeline.stamped and timeline.times == pytest.approx(np.arange(100) / 25)
    values, numbers, _ = shown(path, [(30, 34)])
    assert values == numbers == [30, 31, 32, 33, 34]


def test_a_part_of_bare_motion_jpeg_is_that_of_the_same_packets_in_a_container(make_video, copy, tmp_path):
    held = make_video(tmp_path / "a.mkv", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", frames=40)
    parts = []
    for path in (held, copy(held, tmp_path / "a.mjpeg")):
        found = schedule(probe(str(path)), parse_plan("sparse"), start=0.48, duration=0.64)
        with found.open(60) as stream:
            parts.append([frame.pixels for clip in found.clips(stream) for frame in clip.frames])
    assert len(parts[0]) == 16 and np.array_equal(parts[0], parts[1])


def test_frames_that_are_never_shown_are_in_no_clip(ffmpeg, make_video, tmp_path):
    two_passes = ("-c:v", "libvpx", "-b:v", "60k", "-auto-alt-ref", "1", "-lag-in-frames", "16")
    for number in ("1", "2"):
        made = make_video(
            tmp_path / "a.webm", *two_passes, "-pass", number, "-passlogfile", str(tmp_path / "log"), frames=60
        )
    timeline = read_timeline(probe(str(made)))
    assert len(timeline) == 60 and len(timeline.packets) < timeline.packets[-1] + 1
    assert shown(made, [(20, 40)])[1] == list(range(20, 41))


def test_gradual_refresh_is_not_taken_for_key_frames(counted, copy, tmp_path):
    params = ("-x264-params", "intra-refresh=1:keyint=20:bframes=0")
    path = copy(counted("refresh.mp4", *X264, *params), tmp_path / "a.ts")
    assert shown(path, [(70, 74)])[0] == [70, 71, 72, 73, 74]


def test_a_part_begins_and_ends_where_it_is_asked_for(counted):
    timeline = read_timeline(probe(str(counted("closed.mp4", *B_FRAMES, *CLOSED))))
    assert timeline.within(1.0, 0.6, "a") == (25, 39) and timeline.within(0, None, "a") == (0, 99)
    assert timeline.within(3.95, None, "a") == (99, 99)
    with pytest.raises(InputError, match="no picture at 60 s: the video is 4\\.00 s long"):
        timeline.within(60.0, None, "a")


def test_a_clock_that_begins_again_is_counted_through(counted, tmp_path):
    parts = [counted(f"{n}.webm", "-c:v", "libvpx", "-b:v", "1M", frames=50, first=50 * n) for n in (0, 1)]
    (tmp_path / "a.webm").write_bytes(b"".join(part.read_bytes() for part in parts))
    timeline = read_timeline(probe(str(tmp_path / "a.webm")))
    assert timeline.jumps == 1 and timeline.times == pytest.approx(np.arange(100) / 25, abs=0.002)
    every, _, _ = shown(tmp_path / "a.webm", None)
    values, numbers, _ = shown(tmp_path / "a.webm", [(10, 12), (60, 62)])
    assert numbers == [10, 11, 12, 60, 61, 62] and values == [every[number] for number in numbers]


@pytest.mark.parametrize("at", [0, 40, 99])
def test_one_stamp_hours_late_is_no_hour(counted, copy, tmp_path, at):
    path = counted("plain.mp4", *X264, "-bf", "0")
    late = f"setts=pts='PTS+if(eq(N,{at}),3600/TB,0)':dts='DTS'"
    timeline = read_timeline(probe(str(copy(path, tmp_path / "a.mkv", "-bsf:v", late))))
    assert timeline.end == pytest.approx(4.0, abs=0.05) and len(timeline) == 100
    assert len(schedule(probe(str(tmp_path / "a.mkv")), parse_plan("sparse")).windows) == 7


def test_a_file_cut_short_is_an_error_before_decoding_where_its_end_is_wanted(counted, tmp_path):
    data = counted("closed.mp4", *B_FRAMES, *CLOSED, "-movflags", "+faststart").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 2 // 3])
    timeline = read_timeline(probe(str(tmp_path / "a.mp4")))
    with pytest.raises(DecodeError, match="truncated"):
        timeline.within(0, None, "a")
    assert timeline.within(0, 0.4, "a") == (0, 9)


def settled(path):
    info = probe(str(path), smallest=1)
    found = schedule(info, parse_plan("sparse"))
    with found.open(60) as stream:
        frames = [frame for clip in found.clips(stream) for frame in clip.frames]
    return found.info, frames, stream.report


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((("48x32", 10), ("96x64", 40)), (96, 64)), ((("96x64", 40), ("48x32", 10)), (96, 64)),
     ((("8x8", 5), ("96x64", 40)), (96, 64)), ((("64x96", 10), ("96x64", 30)), (96, 64))],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["ts", "h264"])
def test_the_size_shown_most_of_the_time_counts(make_video, tmp_path, sizes, expected, ending):
    parts = [
        make_video(tmp_path / f"{n}.{ending}", "-c:v", "libx264", "-pix_fmt", "yuv420p", size=size, frames=count)
        for n, (size, count) in enumerate(sizes)
    ]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    info, frames, report = settled(path)
    assert (info.width, info.height) == expected and report.format_changes == 1
    assert {frame.pixels.shape for frame in frames} == {(expected[1], expected[0], 3)}
    if sizes[0][0] == "64x96":  # a turned phone: the picture is not squeezed, its sides are black
        assert frames[0].pixels[:, :20].max() <= 2 and frames[0].pixels[:, 40:56].mean() > 20


def test_the_size_counts_although_a_key_frame_is_damaged_where_recordings_were_joined(make_video, tmp_path):
    sizes = (("96x54", 20), ("192x108", 50))
    parts = [
        make_video(tmp_path / f"{n}.ts", "-c:v", "mpeg2video", size=size, frames=count)
        for n, (size, count) in enumerate(sizes)
    ]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert settled(path)[0].width == 192
