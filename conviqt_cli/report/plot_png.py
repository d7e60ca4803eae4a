"""The timeline as a PNG picture, drawn by Pillow, which torchvision brings along, with the font that comes with it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from conviqt_cli.report.timeline_chart import Timeline

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

#: Everything is drawn this many times as large and then made smaller, which smooths the edges.
_SCALE = 2

_WIDTH, _HEIGHT, _LEFT, _TOP = 800, 240, 60, 60
#: Pixels below the plot: for the times, and for each kind of event.
_BELOW, _ROW = 40, 22

_TEXT, _SOFT, _GRID, _LINE, _BAND, _BAD, _EVENT = (
    "#1b1f24", "#57606a", "#dddddd", "#1f6feb", "#dfebfd", "#f9e3e4", "#8250df",
)  # fmt: skip


def plot_png(plot: Timeline, title: str) -> bytes:
    """The file: 920 pixels across, white, with the axes, interval band, events and cuts of ``plot``."""
    from PIL import Image, ImageDraw, ImageFont

    size = (_WIDTH + 2 * _LEFT, _TOP + _HEIGHT + len(plot.events) * _ROW + _BELOW)
    image = Image.new("RGB", (size[0] * _SCALE, size[1] * _SCALE), "#ffffff")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14 * _SCALE)
    _title(draw, title, ImageFont.load_default(16 * _SCALE), size[0])
    for each in plot.bad:
        draw.rectangle([_point(each.x, 0), _point(each.x + each.width, 100)], fill=_BAD)
    if plot.band:
        draw.polygon(_points(plot.band), fill=_BAND)
    for value in plot.values:
        draw.line([_point(0, value.at), _point(100, value.at)], fill=_GRID, width=_SCALE)
        x, y = _point(0, value.at)
        draw.text((x - 8 * _SCALE, y), value.text, fill=_TEXT, font=font, anchor="rm")
    for cut in plot.cuts:
        for dash in range(0, 100, 4):
            draw.line([_point(cut.at, dash), _point(cut.at, dash + 2)], fill=_SOFT, width=_SCALE)
    draw.line(_points(plot.line), fill=_LINE, width=2 * _SCALE, joint="curve")
    _events(draw, plot, font)
    below = (_TOP + _HEIGHT + len(plot.events) * _ROW + 8) * _SCALE
    for time in plot.times:
        draw.text((_point(time.at, 0)[0], below), time.text, fill=_TEXT, font=font, anchor="mt")
    written = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _events(draw: ImageDraw, plot: Timeline, font: Font) -> None:
    for number, row in enumerate(plot.events):
        top = (_TOP + _HEIGHT + number * _ROW + 8) * _SCALE
        for each in row:
            left, right = _point(each.x, 0)[0], _point(each.x + each.width, 0)[0]
            draw.rectangle([(left, top), (max(right, left + 3 * _SCALE), top + 14 * _SCALE)], fill=_EVENT)
        first, last = row[0], row[-1]
        # Behind the row where there is room, else before it, else on it.
        if last.x + last.width < 65:
            x, offset, anchor, fill = last.x + last.width, 6, "lm", _TEXT
        elif first.x > 35:
            x, offset, anchor, fill = first.x, -6, "rm", _TEXT
        else:
            x, offset, anchor, fill = first.x, 6, "lm", "#ffffff"
        place = (_point(x, 0)[0] + offset * _SCALE, top + 7 * _SCALE)
        draw.text(place, first.name, fill=fill, font=font, anchor=anchor)


def _title(draw: ImageDraw, title: str, font: Font, width: int) -> None:
    """The title, its beginning left out where it is too long: the verdict stands at its end."""
    line = " ".join(title.split())
    room, text = (width - 2 * _LEFT) * _SCALE, line
    while len(line) > 1 and draw.textlength(text, font=font) > room:
        line = line[1:]
        text = f"…{line}"
    draw.text((_LEFT * _SCALE, 32 * _SCALE), text, fill=_TEXT, font=font, anchor="ls")


def _point(across: float, down: float) -> tuple[float, float]:
    return (_LEFT + across / 100 * _WIDTH) * _SCALE, (_TOP + down / 100 * _HEIGHT) * _SCALE


def _points(listed: str) -> list[tuple[float, float]]:
    """Of an SVG point list in percent."""
    return [_point(*map(float, pair.split(","))) for pair in listed.split()]
