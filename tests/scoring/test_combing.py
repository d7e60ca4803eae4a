"""Combing in video that is not marked as interlaced."""

from __future__ import annotations

import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.combing import Combing, combed_frames
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe


@pytest.mark.parametrize(
    ("filters", "rate", "said"),
    [
        ("interlace=lowpass=off,setfield=prog", "50", True),
        ("scroll=horizontal=0.02,interlace=scan=bff:lowpass=off,setfield=prog", "50", True),
        ("telecine=pattern=23,setfield=prog", "24", True),
        # Detail that moves, in any direction, is none; neither is noise, nor what stands still.
        ("null", "25", False),
        ("noise=alls=40:allf=t", "25", False),
        ("loop=loop=40:size=1", "25", False),
        ("scroll=vertical=0.008", "25", False),
    ],
)
def test_combing_is_told_from_detail_and_noise(make_video, tmp_path, filters, rate, said):
    options = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p")
    path = make_video(tmp_path / "a.mp4", *options, size="256x128", rate=rate, filters=filters, frames=32)
    with FrameStream(probe(str(path))) as stream:
        frames = tuple(stream)
    combing = Combing()
    for first in (0, 16):
        clip = Clip(frames[first : first + 16])
        combing.add(clip.start, clip.end, *combed_frames(clip))
    assert bool(list(combing.notes(interlaced=False))) is said
    assert not list(combing.notes(interlaced=True))


def test_a_second_of_combing_in_a_longer_video_is_told_by_the_one_clip_that_is_all_combed():
    combing = Combing()
    for number in range(8):
        combing.add(number, number + 0.6, 5 if number == 3 else 0, 5)
    (event,) = combing.events(interlaced=False)
    assert event.start <= 3 and 3.6 <= event.end <= 4 and not event.throughout
