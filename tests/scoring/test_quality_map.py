"""Which regions of a frame score low: the one that is spoilt."""

import subprocess

import pytest

from conviqt_cli import load
from conviqt_cli.scoring.quality_map import MOST_SQUARES, grid, quality_map

#: Wide enough for two squares of 256 pixels side by side, and tall enough for two.
SIZE = 512


@pytest.mark.parametrize(("left", "top"), [(0, 0), (1, 1)])
def test_the_quadrant_that_is_blurred_is_the_worst(networks, sample, ffmpeg, tmp_path, left, top):
    # Four times the sample's best frame, so that only the fault tells the quadrants apart.
    half, path = SIZE // 2, tmp_path / "quadrant.mkv"
    chain = (
        f"[0]trim=end_frame=1,scale={half}:{half},split=2[a][b];[b]gblur=sigma=3[blurred];"
        "[a]split=4[c][d][e][f];[c][d]hstack[g];[e][f]hstack[h];[g][h]vstack[all];"
        f"[all][blurred]overlay={left * half}:{top * half}:format=gbrp"
    )
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(sample),
        "-filter_complex",
        chain,
        "-c:v",
        "ffv1",
        "-r",
        "25",
        str(path),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    scorer = load(device="cpu", precision="fp32")
    found = quality_map(scorer, scorer.score(path), 0.0)
    assert [(region.left, region.top) for region in found.regions] == [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)]
    assert (found.worst.left, found.worst.top) == (left / 2, top / 2)
    assert found.shortfall(found.worst) > 0.5
    assert found.worst.place == ("bottom right" if left else "top left")


def test_a_map_costs_the_same_at_every_size_and_keeps_the_shape():
    for height, width in ((720, 1280), (1080, 1920), (4320, 7680), (3840, 2160), (256, 8192)):
        rows, columns = grid(height, width, 256)
        assert rows * columns <= MOST_SQUARES and (rows < columns) == (height < width)
    assert grid(256, 256, 256) == (1, 1)
