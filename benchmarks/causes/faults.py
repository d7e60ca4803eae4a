"""Videos with a known fault: a clean encode of a few seconds in which one second, or all of it, is spoilt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import run_ffmpeg
from conviqt_cli.training.distortions.video_loss import split_units
from conviqt_cli.video.media_kinds import is_picture
from conviqt_cli.video.probe import probe

#: Most lines, and most seconds, of a source.
LINES, SECONDS = 720, 5.0

#: Where the fault begins, and how long it lasts, in seconds.
START, LASTS = 1.5, 1.0

#: Size of the window that moves over a photograph, and its frame rate.
_WINDOW, _WINDOW_RATE = (640, 360), 25


#: What black and grey are in luma and the two chroma planes.
_ZERO = (16, 128, 128)


@dataclass(frozen=True)
class Source:
    """A clean video, lossless, as faults are put into it; ``rate`` in frames/s."""

    path: Path
    width: int
    height: int
    rate: float


def prepare(source: Path, output: Path, rng: np.random.Generator, lines: int = LINES) -> Source:
    """A lossless video of a scene, forwards and backwards until it is long enough; of a photograph, a moving window."""
    lossless = ("-an", "-c:v", "ffv1", "-pix_fmt", "yuv420p", str(output))
    if not output.exists() and is_picture(source.name):
        width, height = _WINDOW
        speeds, phases = rng.uniform(0.5, 2.5, 2), rng.uniform(0, 6, 2)
        across, down = (
            f"(i{side}-o{side})/2*(1+sin(t*{speed:.2f}+{phase:.2f}))"
            for side, speed, phase in zip("wh", speeds, phases, strict=True)
        )
        size = f"scale=-2:{int(rng.uniform(1.15, 1.6) * height)},scale='max(iw,{width + 60})':-2"
        filters = f"{size},crop={width}:{height}:'{across}':'{down}',setsar=1"
        still = ("-loop", "1", "-framerate", str(_WINDOW_RATE), "-t", "4", "-i", str(source))
        run_ffmpeg(*still, "-vf", filters, *lossless)
    elif not output.exists():
        size = f"scale=-2:'trunc(min({lines},ih)/2)*2',setsar=1"
        graph = f"[0:v]{size},split=3[a][b][c];[b]reverse[r];[a][r][c]concat=n=3,setpts=N/FR/TB"
        run_ffmpeg("-i", str(source), "-filter_complex", graph, "-t", str(SECONDS), *lossless)
    info = probe(str(output))
    assert info.fps is not None
    return Source(output, info.width, info.height, float(info.fps))


def _between(low: float, high: float, strength: float) -> float:
    return low + (high - low) * strength


def _geometric(low: float, high: float, strength: float) -> float:
    return math.exp(_between(math.log(low), math.log(high), strength))


def _blur(source: Source, strength: float, rng: np.random.Generator) -> str:
    return f"gblur=sigma={_geometric(1.0, 4.0, strength) * source.height / 360:.2f}"


def _noise(source: Source, strength: float, rng: np.random.Generator) -> str:
    return f"noise=alls={_geometric(9, 45, strength):.0f}:allf=t"


def _low_resolution(source: Source, strength: float, rng: np.random.Generator) -> str:
    factor = _geometric(2.0, 5.0, strength)
    method = rng.choice(["bilinear", "bicubic", "lanczos"])
    small = [max(16, 2 * round(side / factor / 2)) for side in (source.width, source.height)]
    return f"scale={small[0]}:{small[1]}:flags=area,scale={source.width}:{source.height}:flags={method}"


def _banding(source: Source, strength: float, rng: np.random.Generator) -> str:
    step = round(_geometric(10, 36, strength))
    planes = (f"{plane}={zero}+floor((val-{zero})/{step}+0.5)*{step}" for plane, zero in zip("yuv", _ZERO, strict=True))
    return f"lutyuv={':'.join(planes)}"


def _ghosting(source: Source, strength: float, rng: np.random.Generator) -> str:
    count = round(_between(4, 10, strength))
    fade = rng.uniform(0.8, 1.0)
    weights = " ".join(f"{fade ** (count - 1 - number):.2f}" for number in range(count))
    return f"tmix=frames={count}:weights='{weights}'"


def _brightness(source: Source, strength: float, rng: np.random.Generator) -> str:
    sign = rng.choice([-1, 1])
    amount = _geometric(0.09, 0.28, strength)
    kinds = (
        f"eq=brightness={sign * amount:.3f}",
        f"eq=contrast={1 + 3 * amount if sign > 0 else 1 - 2 * amount:.2f}",
        f"eq=gamma={math.exp(sign * 3.2 * amount):.2f}",
        f"hue=h={sign * _geometric(20, 80, strength):.0f}",
        f"eq=saturation={1 + 10 * amount if sign > 0 else max(0.0, 1 - 4 * amount):.2f}",
        f"colorbalance=rm={sign * amount * 2:.2f}:bm={-sign * amount * 2:.2f}",
    )
    return str(rng.choice(kinds))


def _flicker(source: Source, strength: float, rng: np.random.Generator) -> str:
    # A lamp: its light falls below what it was, by a half-wave that every frame catches elsewhere.
    depth, period = _geometric(0.06, 0.4, strength), rng.uniform(2.3, 9)
    return f"eq=contrast=1:brightness='-{depth / 2:.3f}*abs(sin(PI*n/{period:.2f}))':eval=frame"


def _interlacing(source: Source, strength: float, rng: np.random.Generator) -> str:
    # Of the frames that are made, every second is woven of the fields of two moments; the others are as they were.
    return "tinterlace=mode=interlacex2,select='mod(n,2)'"


def _sharpening(source: Source, strength: float, rng: np.random.Generator) -> str:
    return f"unsharp=5:5:{_geometric(1.5, 5, strength):.2f}"


def _freeze(source: Source, strength: float, rng: np.random.Generator) -> str:
    return f"select='eq(n,0)',loop=loop={round(LASTS * source.rate) - 1}:size=1,setpts=N/({source.rate})/TB"


def _dropped(source: Source, strength: float, rng: np.random.Generator) -> str:
    return f"fps={source.rate / round(_between(3, 6, strength)):.4f},fps={source.rate:.4f}"


_Filter = Callable[[Source, float, np.random.Generator], str]

#: What makes each fault that a filter can make, by the name of the family.
FILTERS: dict[str, _Filter] = {
    "blur": _blur,
    "noise": _noise,
    "low resolution": _low_resolution,
    "banding": _banding,
    "ghosting": _ghosting,
    "brightness and colour": _brightness,
    "interlacing": _interlacing,
    "flicker": _flicker,
    "sharpening": _sharpening,
    "frozen": _freeze,
    "dropped": _dropped,
}


def spoilt(
    source: Source,
    fault: str,
    output: Path,
    rng: np.random.Generator,
    strength: float = 0.5,
    crf: int = 18,
    throughout: bool = False,
) -> None:
    """Write ``source`` with a fault, encoded by x264 at ``crf``; ``strength`` is 0 (slight) to 1 (severe)."""
    if fault == "packet loss":
        _lossy(source, output, rng, strength, crf)
        return
    first, last = round(START * source.rate), round((START + LASTS) * source.rate)
    span = "null" if throughout else f"trim=start_frame={first}:end_frame={last},setpts=PTS-STARTPTS"
    inputs = ["-i", str(source.path)]
    if fault == "compression":
        coarse = output.with_suffix(".coarse.mkv")
        run_ffmpeg(*inputs, "-vf", span, *_x264(round(_between(42, 51, strength))), str(coarse))
        inputs += ["-i", str(coarse)]
        bad = "[1:v]setpts=PTS-STARTPTS"
    else:
        bad = f"[0:v]{span},{FILTERS[fault](source, strength, rng)}"
    counted = f"setpts=N/({source.rate})/TB"
    graph = f"{bad},{counted}"
    if not throughout:
        graph = (
            f"[0:v]trim=end_frame={first}[a];{bad},setsar=1[b];"
            f"[0:v]trim=start_frame={last},setpts=PTS-STARTPTS[c];[a][b][c]concat=n=3,{counted}"
        )
    run_ffmpeg(*inputs, "-filter_complex", graph, "-r", f"{source.rate}", *_x264(crf), str(output))


def encoded(source: Source, output: Path, crf: int) -> None:
    """Write ``source`` without a fault, encoded by x264 at ``crf``."""
    run_ffmpeg("-i", str(source.path), *_x264(crf), str(output))


def joined(sources: Sequence[Source], output: Path, crf: int) -> None:
    """Write scenes one after the other, 1.5 seconds each, without a fault: cuts are none."""
    first = sources[0]
    alike = f"trim=end=1.5,fps={first.rate},scale={first.width}:{first.height},setsar=1,setpts=PTS-STARTPTS"
    parts = "".join(f"[{number}:v]{alike}[v{number}];" for number in range(len(sources)))
    names = "".join(f"[v{number}]" for number in range(len(sources)))
    inputs = [part for each in sources for part in ("-i", str(each.path))]
    run_ffmpeg(*inputs, "-filter_complex", f"{parts}{names}concat=n={len(sources)}", *_x264(crf), str(output))


def _x264(crf: int) -> tuple[str, ...]:
    return ("-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf), "-pix_fmt", "yuv420p")


def _lossy(source: Source, output: Path, rng: np.random.Generator, strength: float, crf: int) -> None:
    """Slices of the second are lost, as on a network; the first of each frame arrives."""
    raw = output.with_suffix(".h264")
    options = ("-x264-params", "keyint=25:bframes=0:slices=8:aud=0", "-f", "h264")
    run_ffmpeg("-i", str(source.path), *_x264(crf), *options, str(raw))
    units = split_units(raw.read_bytes())
    frame, kept = -1, []
    first, last = round(START * source.rate), round((START + LASTS) * source.rate)
    for unit in units:
        frame += unit.is_slice and unit.opens_frame
        lost = unit.is_slice and not unit.opens_frame and first <= frame < last
        if not lost or rng.random() > _geometric(0.08, 0.5, strength):
            kept.append(unit.data)
    raw.write_bytes(b"".join(kept))
    run_ffmpeg("-r", f"{source.rate}", "-f", "h264", "-i", str(raw), "-c", "copy", str(output))
    raw.unlink()
