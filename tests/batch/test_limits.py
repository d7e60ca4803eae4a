"""Files made to exhaust the machine meet a stated limit, and the decoder is gone afterwards."""

import sys

import pytest

from conviqt_cli.errors import LimitError
from conviqt_cli.plans.clips import clips
from conviqt_cli.plans.time_plan import SPARSE
from conviqt_cli.video import ffmpeg_process
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe


def test_a_picture_beyond_8k_is_refused_before_it_is_decoded(make_video, tmp_path):
    bomb = make_video(
        tmp_path / "a.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        source="color", size="8192x8192", frames=1,
    )  # fmt: skip
    with pytest.raises(LimitError, match="35,389,440 pixels"):
        probe(str(bomb))


def test_more_frames_than_the_limit_are_an_error_and_as_many_are_not(make_video, tmp_path):
    info = probe(str(make_video(tmp_path / "a.mp4", frames=30)))
    with FrameStream(info, max_frames=30) as stream:
        assert len(list(stream)) == 30
    with pytest.raises(LimitError, match="more than 29 frames"), FrameStream(info, max_frames=29) as stream:
        list(stream)
    assert not ffmpeg_process._live


def test_a_billion_frames_a_second_give_a_handful_of_clips(make_video, tmp_path):
    info = probe(str(make_video(tmp_path / "a.nut", "-c:v", "ffv1", rate="1000000000", frames=60)))
    assert info.fps > 1_000_000
    with FrameStream(info) as stream:
        found = list(clips(stream, SPARSE, info.duration))
    assert [clip.frames[0].index for clip in found] == [0, 44]


def test_endless_messages_are_cut_and_silence_is_ended():
    endless = [sys.executable, "-c", "import sys\nwhile True: sys.stderr.write('x' * 65536)"]
    with pytest.raises(TimeoutError):
        ffmpeg_process.messages(endless, (), timeout=1.0)
    some = [sys.executable, "-c", f"import sys; sys.stderr.write('x' * {ffmpeg_process.MESSAGES_LIMIT + 999})"]
    assert len(ffmpeg_process.messages(some, (), timeout=60)) == ffmpeg_process.MESSAGES_LIMIT
    assert not ffmpeg_process._live


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_decoder_that_asks_for_too_much_memory_fails_by_itself(monkeypatch):
    monkeypatch.setattr(ffmpeg_process, "MEMORY_LIMIT", 200 << 20)
    # It waits for its limit before it takes anything.
    greedy = "import resource, time\nwhile resource.getrlimit(resource.RLIMIT_DATA)[0] < 0: time.sleep(0.01)\n"
    command = [sys.executable, "-c", greedy + "data = bytearray(300 << 20)"]
    assert b"MemoryError" in ffmpeg_process.messages(command, (), timeout=60)
