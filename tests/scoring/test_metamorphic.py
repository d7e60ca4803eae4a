"""What must not change a score, on real media: how the pictures are stored, and how the work is shared out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.local_engine import LocalEngine
from conviqt_cli.scoring.scorer import Scorer, load

pytestmark = pytest.mark.usefixtures("networks")

#: Three contents from three sources.
CONTENTS = (
    "video_pristine/0399_depthcrafter_camel",
    "video_ugc/0012_DAMO-NLP-SG_skateboarding_dog",
    "video_pristine/0841_mdn_flower",
)

MIRRORED = CONTENTS[1]

#: The same pictures to the last bit.
LOSSLESS = {
    "ffv1.mkv": ("-c:v", "ffv1"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "lossless=1:log-level=error"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime"),
    "ten_bits.mkv": ("-c:v", "ffv1", "-pix_fmt", "yuv420p10le"),
}
#: The same but for the last bit: rounded once more on the way to full range.
FULL_RANGE = (
    "-vf", "zscale=rangein=limited:range=full,format=yuv420p", "-color_range", "pc", "-c:v", "ffv1",
)  # fmt: skip


@pytest.fixture(scope="module")
def scorer(networks) -> Scorer:
    return load(device="cpu", precision="fp32", threads=1)


@pytest.fixture(scope="module", params=CONTENTS)
def content(request, shared, ffmpeg, tmp_path_factory) -> Path:
    """One clip of a real video, small, without loss."""
    (source,) = (shared / "data" / "content").glob(f"{request.param}.*")
    path: Path = tmp_path_factory.mktemp("content") / "source.mp4"
    lossless = ("-c:v", "libx264", "-qp", "0", "-bf", "0", "-pix_fmt", "yuv420p")
    command = [ffmpeg, "-v", "error", "-i", source, "-an", "-vf", "scale=96:64", "-frames:v", "16", *lossless, path]
    subprocess.run(command, check=True)
    return path


def test_how_it_is_stored_makes_no_difference(scorer, content, ffmpeg, tmp_path):
    quality = scorer.score(content).quality

    endings = ("mp4", "mov", "mkv", "ts", "avi", "flv", "nut")
    same = {**LOSSLESS, **{f"remux.{ending}": ("-c", "copy") for ending in endings}}
    outputs = {**same, "full_range.mkv": FULL_RANGE}
    each = [part for name, options in outputs.items() for part in (*options, tmp_path / name)]
    subprocess.run([ffmpeg, "-v", "error", "-i", content, *each], check=True)
    for name in same:
        assert scorer.score(tmp_path / name).quality == pytest.approx(quality, abs=1e-5), name
    # Rounding to another range changes the last bit of most pixels, which a score sees a little.
    assert scorer.score(tmp_path / "full_range.mkv").quality == pytest.approx(quality, abs=0.12)


def test_a_mirrored_picture_has_about_the_same_score(scorer, shared, ffmpeg, tmp_path):
    # At its own size: in a tiny picture, where the filters' strides begin counts for more.
    (source,) = (shared / "data" / "content").glob(f"{MIRRORED}.*")
    qualities = []
    for name, filters in (("as_it_is.mkv", "null"), ("mirrored.mkv", "hflip")):
        lossless = ("-an", "-frames:v", "1", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
        subprocess.run([ffmpeg, "-v", "error", "-i", source, "-vf", filters, *lossless, tmp_path / name], check=True)
        qualities.append(scorer.score(tmp_path / name).quality)
    assert qualities[0] == pytest.approx(qualities[1], abs=0.1), qualities


def test_how_the_work_is_shared_out_makes_no_difference(scorer, content, ffmpeg, tmp_path):
    other = tmp_path / "other.mkv"
    subprocess.run([ffmpeg, "-v", "error", "-i", content, "-vf", "vflip", "-c:v", "ffv1", other], check=True)
    sources = [str(content), str(other)]
    alone = {source: scorer.score(source).quality for source in sources}
    assert load(device="cpu", precision="fp32", threads=2).score(content).quality == pytest.approx(
        alone[str(content)], abs=1e-4
    )
    for order in (sources, sources[::-1]):
        records = LocalEngine([scorer], jobs=2, identify=False).run(order, Control())
        assert {record.result.source: record.result.quality for record in records} == pytest.approx(alone, abs=1e-4)
