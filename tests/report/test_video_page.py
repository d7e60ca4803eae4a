"""The page of a video: verdict first, everything known in the timeline, marked regions; the timeline as a picture."""

import io
import re
from dataclasses import replace

from PIL import Image

from conviqt_cli.quality.scale import ACR
from conviqt_cli.report.plot_png import plot_png
from conviqt_cli.report.timeline_chart import timeline_of
from conviqt_cli.report.video_page import video_page
from conviqt_cli.scoring.events import event
from conviqt_cli.scoring.quality_map import QualityMap, Region
from conviqt_cli.scoring.results import Note
from tests.report.test_score_report import SCORE

EVENTS = (event("cut", "the scene changes", 2.0, 2.0), event("frozen", "<i>still", 4.0, 5.0))
FULL = replace(SCORE, source="<b>.mp4", events=EVENTS, warnings=(Note("frozen", "said before"), Note("bars", "bars")))


def regions(time):
    quality = (2.0, 3.4, 3.4, 3.4)
    found = tuple(Region(n % 2 / 2, n // 2 / 2, 0.5, 0.5, each) for n, each in enumerate(quality))
    return QualityMap(time, 256, found, ACR)


def test_the_verdict_comes_first_and_the_timeline_holds_what_is_known():
    page = video_page(FULL, lambda time: b"jpeg", regions)
    assert (
        page.index("<h1>Fair (3.1); frozen from 4.0 s to 5.0 s</h1>")
        < page.index("90 % interval")
        < page.index("Facts")
    )
    for part in ('class="bad"', 'class="cut"', 'title="&lt;i&gt;still from 4.00 to 5.00 s"', 'class="caution">bars'):
        assert page.count(part) == 1, part
    assert "<b>.mp4" not in page and "<i>still" not in page and "said before" not in page


def test_only_regions_below_the_mean_are_marked_and_the_method_is_stated():
    page = video_page(FULL, lambda time: b"jpeg", regions, mapped=1)
    marks = re.findall(r'fill-opacity="([\d.]+)"><title>(.*?)</title>', page)
    assert marks == [("0.6", "top left: 2.00"), *[("0.0", place) for place in
                     ("top right: 3.40", "bottom left: 3.40", "bottom right: 3.40")]]  # fmt: skip
    assert "lowest region: top left (2.00; mean 3.05)" in page and "squares of 256 pixels" in page
    assert "Red regions" not in video_page(FULL, lambda time: None)


def test_the_timeline_as_a_picture():
    with Image.open(io.BytesIO(plot_png(timeline_of(FULL), "a name " * 40 + "the verdict"))) as image:
        assert image.format == "PNG" and image.size[0] == 920
        colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert (0x82, 0x50, 0xDF) in colours and (0xF9, 0xE3, 0xE4) in colours  # an event, a clearly worse stretch
