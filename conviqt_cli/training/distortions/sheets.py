"""Picture sheets: each distortion a row, the source and its five levels side by side, to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .arrays import to_image
from .distortion import LEVELS, Distortion, Pixels
from .spatial_bank import SPATIAL
from .video_bank import VIDEO

_GAP = 6
_TITLE = 22
#: Lines of a time slice that one frame takes.
_SLICE = 4
#: Types on one sheet of a whole bank.
_A_SHEET = 8


def sheet(distortions: Sequence[Distortion], pixels: Pixels, path: Path, seed: int = 0) -> None:
    """Draw the sheet of ``distortions`` as a PNG at ``path``; its folder must exist.

    ``pixels`` is a picture (height, width, 3) or, for video types, a clip (frames, height, width, 3), uint8 RGB.
    Nothing is scaled: a pixel of the sheet is one of the source. A cell of a clip shows the middle frame and below it
    a time slice, the middle line of every frame from first to last, where freezes, judder and flicker can be seen.
    The same ``seed`` gives the same sheet. Raises ValueError when there is nothing to draw.
    """
    if not distortions:
        raise ValueError("a sheet needs at least one distortion")
    if pixels.ndim not in (3, 4):
        raise ValueError(f"expected a picture (h, w, 3) or a clip (n, h, w, 3), got shape {pixels.shape}")
    rows = [_row(distortion, pixels, seed) for distortion in distortions]
    height, width = rows[0][0].shape[:2]
    canvas = Image.new(
        "RGB",
        ((width + _GAP) * (1 + len(LEVELS)) + _GAP, (height + _TITLE + _GAP) * len(rows) + _GAP),
        "white",
    )
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(15)
    for index, (distortion, cells) in enumerate(zip(distortions, rows, strict=True)):
        top = _GAP + index * (height + _TITLE + _GAP)
        for place, cell in enumerate(cells):
            left = _GAP + place * (width + _GAP)
            title = f"{place}" if place else distortion.name
            draw.text((left, top + 1), title, fill="black", font=font)
            canvas.paste(to_image(cell), (left, top + _TITLE))
    canvas.save(path, "PNG")


def draw_bank(pixels: Pixels, folder: Path, progress: Callable[[int, int], None] = lambda done, count: None) -> None:
    """Sheets in ``folder``, some types a sheet: of a picture all spatial types, of a clip all video types."""
    bank: Sequence[Distortion] = SPATIAL if pixels.ndim == 3 else VIDEO
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(bank), _A_SHEET):
        progress(first, len(bank))
        name = f"{'spatial' if pixels.ndim == 3 else 'video'}-{first // _A_SHEET + 1}.png"
        sheet(bank[first : first + _A_SHEET], pixels, folder / name)


def _row(distortion: Distortion, pixels: Pixels, seed: int) -> list[Pixels]:
    # Each level starts from the same seed, so that a row differs in strength alone.
    levels = [distortion.apply(pixels, level, np.random.default_rng(seed)) for level in LEVELS]
    return [_cell(each) for each in (pixels, *levels)]


def _cell(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3:
        return pixels
    middle = pixels[len(pixels) // 2]
    through_time = pixels[:, pixels.shape[1] // 2].repeat(_SLICE, 0)
    return np.concatenate([middle, through_time])
