"""Which of several streams is scored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conviqt_cli.errors import DecodeError, InputError
from conviqt_cli.video import ffmpeg_process
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.listing import Listing
from conviqt_cli.video.messages import Line
from conviqt_cli.video.probe import probe
from conviqt_cli.video.streams import choose
from conviqt_cli.video.timeline import read_timeline


@pytest.fixture(scope="module")
def parts(make_video, tmp_path_factory) -> dict[str, Path]:
    """Streams to join: the video itself, and what else files hold beside it."""
    folder = tmp_path_factory.mktemp("parts")
    mpeg2, h264 = ("-c:v", "mpeg2video"), ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "5")
    return {
        "video": make_video(folder / "video.mp4", *h264),
        "blank": make_video(folder / "blank.mp4", *h264, source="color"),
        "preview": make_video(folder / "preview.mp4", *h264, size="48x32"),
        "large": make_video(folder / "large.mp4", *h264, size="192x128"),
        "poster": make_video(folder / "poster.mp4", "-c:v", "mjpeg", frames=1, size="320x200"),
        "video.ts": make_video(folder / "video.ts", *mpeg2, frames=50),
        "preview.ts": make_video(folder / "preview.ts", *mpeg2, frames=50, size="48x32"),
        "later_pid.ts": make_video(
            folder / "pid.ts", *mpeg2, "-mpegts_start_pid", "0x200", "-output_ts_offset", "2", frames=50
        ),
        "later_codec.ts": make_video(folder / "codec.ts", *h264, "-output_ts_offset", "2", frames=50),
    }


@pytest.mark.parametrize(
    ("name", "first", "second", "options", "wanted"),
    [
        ("a.mp4", "preview", "video", ("-disposition:0", "0", "-disposition:1", "default"), 1),
        ("a.mkv", "large", "video", ("-disposition:0", "0", "-disposition:1", "default"), 1),
        ("a.mov", "preview", "video", ("-disposition:0", "default", "-disposition:1", "default"), 1),
        ("a.mkv", "poster", "video", ("-disposition:0", "default", "-disposition:1", "0"), 1),
        ("a.mp4", "poster", "video", (), 1),
        ("a.mp4", "video", "poster", (), 0),
        ("a.mkv", "blank", "video", ("-disposition:0", "default", "-disposition:1", "0"), 1),
        ("a.mp4", "blank", "video", (), 1),
        ("a.mkv", "video", "blank", (), 0),
        ("a.ts", "preview.ts", "video.ts", ("-program", "st=0", "-program", "st=1"), 1),
        ("a.ts", "video.ts", "preview.ts", ("-program", "st=0", "-program", "st=1"), 0),
        ("a.mkv", "video", "video", (), 0),
    ],
)
def test_the_video_and_not_what_lies_beside_it(parts, ffmpeg, tmp_path, name, first, second, options, wanted):
    path = tmp_path / name
    inputs = ("-i", parts[first], "-i", parts[second], "-map", "0", "-map", "1", "-c", "copy")
    subprocess.run([ffmpeg, "-v", "error", *inputs, *options, path], check=True)
    info = probe(str(path))
    assert (info.stream, info.video_streams) == (wanted, 2)
    assert probe(str(path), stream=1 - wanted).stream == 1 - wanted
    with pytest.raises(InputError, match=r"no stream #7; video streams: #0, #1"):
        probe(str(path), stream=7)


def test_animations_and_not_their_still(make_video, tmp_path):
    options = ("-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p")
    info = probe(str(make_video(tmp_path / "a.avif", *options, frames=4)))
    assert (info.stream, len(read_timeline(info) or ())) == (1, 4)
    still = probe(str(make_video(tmp_path / "b.avif", *options, "-still-picture", "1", frames=1)))
    assert (still.frame_count, still.fps) == (1, None)


def test_a_picture_that_goes_on_in_another_stream_is_no_score_of_half(parts, tmp_path):
    joined = tmp_path / "a.ts"
    joined.write_bytes(parts["video.ts"].read_bytes() + parts["later_pid.ts"].read_bytes())
    with pytest.raises(InputError, match=r"after 1\.96 s the picture goes on in another stream \(#0, then #1\)"):
        probe(str(joined))
    assert probe(str(joined), stream=1).stream == 1


@pytest.mark.parametrize("order", [("video.ts", "later_codec.ts"), ("later_codec.ts", "video.ts")])
def test_a_stream_that_changes_its_codec_is_no_score_of_half(parts, tmp_path, order):
    joined = tmp_path / "a.ts"
    joined.write_bytes(b"".join(parts[name].read_bytes() for name in order))
    info = probe(str(joined))
    with FrameStream(info, timeline=read_timeline(info)) as stream, pytest.raises(DecodeError):
        list(stream)


@pytest.mark.parametrize(
    ("name", "stream", "size"),
    [
        ("D_animation_scored_as_its_still.avif", 1, (192, 108)),
        ("D_preview_track_before_the_default_one.mp4", 1, (192, 108)),
    ],
)
def test_field_files(shared, name, stream, size):
    info = probe(str(shared / "data" / "field" / name))
    assert (info.stream, info.width, info.height) == (stream, *size)


def test_every_packet_counts_however_many(parts, ffmpeg, tmp_path, monkeypatch):
    # The list of a long file's packets takes more than is kept of any ffmpeg's messages.
    path = tmp_path / "a.ts"
    path.write_bytes(parts["video.ts"].read_bytes() + parts["later_pid.ts"].read_bytes())
    said = subprocess.run([ffmpeg, "-hide_banner", "-loglevel", "level+info", "-i", path], capture_output=True).stderr
    listing = Listing.parse(Line.read(said))
    monkeypatch.setattr(ffmpeg_process, "MESSAGES_LIMIT", 1000)
    with pytest.raises(InputError, match="goes on in another stream"):
        choose(str(path), listing, 60)
