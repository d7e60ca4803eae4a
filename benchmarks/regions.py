"""Does the map of regions find the part of a picture that was spoilt? Photographs with one quadrant spoilt.

    python -m benchmarks.regions --count 6

Of each of the photographs, each quadrant in turn is blurred, made noisy or compressed; a case is right when the mean of
the map over that quadrant is the lowest of the four. Photographs are looked for in $CONVIQT_SHARED, or ../shared beside
the repository.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import SHARED
from conviqt_cli import load
from conviqt_cli.scoring.quality_map import Region, map_picture
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.video.picture import RgbPicture

#: Every ninth photograph by name, so that neighbours of one origin do not stand for all.
_STEP = 9

_QUADRANTS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))


def main() -> None:
    """Print how often each fault was found."""
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6, help="photographs")
    count = parser.parse_args().count
    scorer, found = load(device="cpu"), Counter[str]()
    paths = sorted((SHARED / "data" / "content" / "image_pristine").glob("*.jpg"))[::_STEP][:count]
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        pixels = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
        for fault in _FAULTS:
            found[fault] += sum(_finds(scorer, pixels, fault, number) for number in range(4))
        print(path.name, dict(found), flush=True)
    for fault, right in found.items():
        print(f"{fault}: {right} of {4 * len(paths)}")


def _finds(scorer: Scorer, pixels: NDArray[np.uint8], fault: str, quadrant: int) -> bool:
    """Whether the quadrant that is spoilt has the lowest mean."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    left, top = (round(2 * share) for share in _QUADRANTS[quadrant])
    spoilt = pixels.copy()
    part = spoilt[top * height : (top + 1) * height, left * width : (left + 1) * width]
    part[:] = _spoil(part.copy(), fault)
    _, regions = map_picture(scorer, scorer.regressor, RgbPicture(spoilt))
    return int(np.argmin([_mean(regions, *each) for each in _QUADRANTS])) == quadrant


def _mean(regions: list[Region], left: float, top: float) -> float:
    """The mean over a quadrant, each region weighted by what it shares with it."""
    weights = [
        max(0.0, min(each.left + each.width, left + 0.5) - max(each.left, left))
        * max(0.0, min(each.top + each.height, top + 0.5) - max(each.top, top))
        for each in regions
    ]
    return float(np.average([each.quality for each in regions], weights=weights))


_FAULTS = ("blur, sigma 3", "noise, sigma 20", "JPEG, quality 10")


def _spoil(part: NDArray[np.uint8], fault: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageFilter

    image = Image.fromarray(part)
    if fault.startswith("blur"):
        return np.asarray(image.filter(ImageFilter.GaussianBlur(3)))
    if fault.startswith("noise"):
        noise = np.random.default_rng(0).normal(0, 20, part.shape)
        return np.clip(part + noise, 0, 255).astype(np.uint8)
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=10)
    return np.asarray(Image.open(stored))


if __name__ == "__main__":
    main()
