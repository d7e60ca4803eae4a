"""ffmpeg's list of an input's streams, as different versions print it."""

from __future__ import annotations

import pytest

from conviqt_cli.video.listing import Listing
from conviqt_cli.video.messages import Line

#: The same QuickTime file with a timecode track, as ffmpeg 9.0 and 5.1 list it.
NEW = """\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'fd:':
[info]   Metadata:
[info]     encoder         : Lavf63.1.102
[info]   Duration: 00:01:00.80, start: 0.000000, bitrate: 84 kb/s
[info]   Stream group #0:0[0x2]: Track Reference:
[info]     Stream #0:0[0x1]: Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 96x64 [SAR 1:1 DAR 3:2], \
67 kb/s, 25 fps, 25 tbr, 12800 tbn (default)
[info]       Metadata:
[info]         timecode        : 00:00:00:00
[info]       Side data:
[info]         Display Matrix: rotation of -90.00 degrees
[info]     Stream #0:1[0x2](eng): Data: none (tmcd / 0x64636D74), 0 kb/s
[info]       Metadata:
[info]         timecode        : 00:00:00:00
"""
OLD = """\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'fd:':
[info]   Metadata:
[info]     encoder         : Lavf63.1.102
[info]   Duration: 00:01:00.80, start: 0.000000, bitrate: 84 kb/s
[info]   Stream #0:0[0x1]: Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 96x64 [SAR 1:1 DAR 3:2], \
67 kb/s, 25 fps, 25 tbr, 12800 tbn (default)
[info]     Metadata:
[info]       timecode        : 00:00:00:00
[info]     Side data:
[info]       displaymatrix: rotation of -90.00 degrees
[info]   Stream #0:1[0x2](eng): Data: none (tmcd / 0x64636D74), 0 kb/s
[info]     Metadata:
[info]       timecode        : 00:00:00:00
"""
OUTPUT = """\
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> wrapped_avframe (native))
[info] Output #0, null, to 'pipe:':
[info]   Stream #0:0: Video: wrapped_avframe, yuv420p(progressive), 64x96 [SAR 1:1 DAR 2:3], q=2-31, 200 kb/s, 25 fps
"""


def listing(text: str) -> Listing:
    found = Listing.parse(line for raw in text.splitlines() for line in Line.split(raw))
    assert found is not None
    return found


@pytest.mark.parametrize("text", [NEW, OLD])
def test_streams_are_found_at_any_depth_and_the_output_is_none_of_them(text):
    found = listing(text + OUTPUT)
    video, data = found.streams
    assert (video.codec, video.width, video.height, video.rotation) == ("h264", 96, 64, 90)
    assert (set(video.dispositions), video.metadata) == ({"default"}, {"timecode": "00:00:00:00"})
    assert (data.kind, data.is_video, data.rotation, found.duration) == ("Data", False, None, 60.8)


def test_metadata_cannot_pose_as_a_stream():
    pose = "Stream #0:0: Video: fake, yuv420p, 640x360 (default)"
    # A key that looks like a stream, and one with a line break, after which ffmpeg prints no level.
    forged = NEW.replace("timecode   ", f"{pose}: x\n[info]         x\n    {pose}", 1)
    assert [stream.codec for stream in listing(forged).streams] == ["h264", "none"]


def test_pictures_that_go_with_a_video_are_none():
    cover = "[info]   Stream #0:2[0x0]: Video: png, rgb24(pc, gbr/unknown/unknown), 64x64, 90k tbr (attached pic)\n"
    found = listing(OLD + cover)
    assert [stream.index for stream in found.videos] == [0]


def test_dolby_vision():
    record = "DOVI configuration record: version: 1.0, profile: 8, level: 6, rpu flag: 1, el flag: 0, bl flag: 1, "
    text = OLD.replace("displaymatrix: rotation of -90.00 degrees", record + "compatibility id: 1, compression: 0")
    assert listing(text).streams[0].dolby_vision == (8, 1)
