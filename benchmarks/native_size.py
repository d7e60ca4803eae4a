"""Is a picture that was scaled up said to be one, and is no native one?

    python -m benchmarks.native_size scaled WORK VIDEO ...
    python -m benchmarks.native_size native VIDEO ...

``scaled`` brings each video to 720 lines, scales that down by each factor and up again by each filter, encodes it by
x264 at CRF 16, 20 or 26, and prints how often the size is said. ``native`` prints what is said of videos as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from benchmarks.common import run_ffmpeg
from conviqt_cli.errors import ConviqtError
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import SPARSE
from conviqt_cli.scoring.native_size import NativeSize, periods
from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.probe import probe

FACTORS = (1.25, 4 / 3, 1.5, 5 / 3, 1.875, 2.0, 2.25, 2.5, 3.0, 4.0)
FILTERS = ("bilinear", "bicubic", "lanczos", "neighbor")
QUANTISERS = (16, 20, 26)

#: Height of what is made, and how many frames.
_LINES, _FRAMES = 720, 16


def lines_of(path: Path) -> int | None:
    """The lines that a video is said to have been scaled up from."""
    info = probe(str(path))
    planned = schedule(info, SPARSE)
    native = NativeSize(min(planned.info.width, planned.info.height))
    with planned.open(120.0, pixel_format="yuv420p" if has_planes(planned.info) else "rgb24") as stream:
        for clip in planned.clips(stream):
            native.add(clip.start, clip.end, periods(clip))
    return native.lines


def scaled(work: Path, videos: Iterable[Path]) -> None:
    """Print, by factor, filter and quantiser, in how many videos it is said that they were scaled up."""
    work.mkdir(parents=True, exist_ok=True)
    base, path = work / "native.mkv", work / "scaled.mkv"
    said: dict[str, list[bool | None]] = {}
    for video in videos:
        same = f"scale=-2:{_LINES}:flags=area"
        run_ffmpeg("-i", str(video), "-an", "-frames:v", str(_FRAMES), "-vf", same, "-c:v", "ffv1", str(base))
        for factor in FACTORS:
            for number, name in enumerate(FILTERS):
                crf = QUANTISERS[(number + FACTORS.index(factor)) % len(QUANTISERS)]
                small = f"scale='2*round(iw/{factor}/2)':'2*round(ih/{factor}/2)':flags=area"
                filters = f"{small},scale={probe(str(base)).width}:{_LINES}:flags={name}"
                run_ffmpeg("-i", str(base), "-vf", filters, "-c:v", "libx264", "-crf", str(crf), str(path))
                lines = lines_of(path)
                # "n or less" is right if n is no less than there were, and not much more.
                right = None if lines is None else 0.98 <= lines * factor / _LINES <= 2.1
                for kind in (f"factor {factor:.3g}", f"filter {name}", f"CRF {crf}"):
                    said.setdefault(kind, []).append(right)
        print(f"{video.name}: done", flush=True)
    for kind, found in sorted(said.items()):
        print(f"{kind}: said of {sum(each is not None for each in found)} of {len(found)}, "
              f"wrongly {sum(each is False for each in found)}")  # fmt: skip


def native(videos: Iterable[Path]) -> None:
    """Print of which videos it is said."""
    count = 0
    for video in videos:
        try:
            lines = lines_of(video)
        except ConviqtError as error:
            print(f"{video}: {error}")
            continue
        count += 1
        if lines is not None:
            print(f"{video}: {lines} lines or less", flush=True)
    print(f"{count} videos")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("scaled")
    making.add_argument("work", type=Path)
    looking = commands.add_parser("native")
    for command in (making, looking):
        command.add_argument("videos", type=Path, nargs="+")
    given = parser.parse_args()
    if given.command == "scaled":
        scaled(given.work, given.videos)
    else:
        native(given.videos)


if __name__ == "__main__":
    main()
