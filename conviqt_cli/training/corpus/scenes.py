"""Scenes in the videos of a package: short pieces of one shot each, cut without re-encoding where possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.training.ffmpeg_run import run
from conviqt_cli.video.ffmpeg import find_ffmpeg

#: Length of a scene, the least that is still taken, and how much of a video is looked at, in seconds.
SCENE_SECONDS, LEAST_SECONDS, LOOKED_AT_SECONDS = 3.0, 1.0, 900.0
#: Scenes taken from one video at most, so that no film outweighs the rest.
MOST_SCENES = 6
#: Pictures that are looked at per second.
LOOKS_PER_SECOND = 5
#: Least short side of a pristine and of an authentic video, in pixels.
LEAST_SIDES = {"video_pristine": 360, "video_ugc": 180}
#: Constant rate factor of x264 where a pristine scene cannot be copied: no loss that an eye finds.
PRISTINE_CRF = 8

_WIDTH, _HEIGHT = 64, 36
#: A cut: pictures that differ by this much (mean over pixels, of 255) and this many times more than their neighbours.
_CUT_DIFFERENCE, _CUT_CONTRAST = 18.0, 3.0
#: Below these a shot shows nothing: standard deviation of the picture, and change from picture to picture, of 255.
_LEAST_CONTRAST, _LEAST_MOTION = 12.0, 0.25
#: Shots of one video that differ by less than this (mean over pixels, of 255) count as one scene.
_SAME_SHOT = 22.0
_MOST_SECONDS = 600.0
_LIMITS = ("-t", f"{LOOKED_AT_SECONDS:g}")
_SHOW_EVERY = ("-fps_mode", "passthrough", "-vf", "showinfo", "-f", "null", "-")


@dataclass(frozen=True)
class Scene:
    """A piece of a video in one shot: ``start`` and ``seconds`` in seconds; ``copied``: the cut needs no encoder."""

    start: float
    seconds: float
    copied: bool


@dataclass(frozen=True)
class _Video:
    width: int
    height: int
    keyframes: tuple[float, ...]


def find_scenes(path: Path, kind: str) -> list[Scene]:
    """Scenes worth taking from a video of ``kind`` (``video_pristine`` or ``video_ugc``); none if it cannot be read.

    Of each shot one piece, where something is seen and moves. An authentic video is never re-encoded: its pieces
    begin at keyframes, or there are none.
    """
    video = _inspect(path)
    if video is None or min(video.width, video.height) < LEAST_SIDES[kind]:
        return []
    pictures = _small_pictures(path)
    taken: list[tuple[Scene, NDArray[np.float32]]] = []
    for first, last in shots(pictures):
        piece = pictures[first:last]
        if not _shows_something(piece):
            continue
        scene = _place(first / LOOKS_PER_SECOND, last / LOOKS_PER_SECOND, video.keyframes, kind)
        middle = piece[len(piece) // 2]
        if scene is None or any(float(np.abs(middle - other).mean()) < _SAME_SHOT for _, other in taken):
            continue
        taken.append((scene, middle))
    # Evenly over the video rather than its beginning only.
    keep = np.linspace(0, len(taken) - 1, min(len(taken), MOST_SCENES)).round().astype(int)
    return [taken[index][0] for index in keep]


def shots(pictures: NDArray[np.float32]) -> list[tuple[int, int]]:
    """First and past-the-last index of every shot in pictures of shape (count, height, width), values 0 to 255."""
    if len(pictures) == 0:
        return []
    steps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2))
    cuts = [0]
    for index, step in enumerate(steps):
        around = np.concatenate([steps[max(0, index - 3) : index], steps[index + 1 : index + 4]])
        usual = float(np.median(around)) if len(around) else 0.0
        if step > _CUT_DIFFERENCE and step > _CUT_CONTRAST * usual:
            cuts.append(index + 1)
    cuts.append(len(pictures))
    return [(first, last) for first, last in pairwise(cuts) if last > first]


def cut(path: Path, scene: Scene, output: Path) -> None:
    """Write a scene to ``output`` (Matroska, no sound). Raises ``InputError`` where ffmpeg cannot."""
    codec = ("-c:v", "copy") if scene.copied else ("-c:v", "libx264", "-preset", "fast", "-crf", str(PRISTINE_CRF))
    # A hair after the keyframe, since times in containers are rounded and seeking goes back from there.
    start = ("-ss", f"{scene.start + 0.02:.3f}") if scene.start > 0 else ()
    arguments = (*start, "-i", f"file:{path}", "-t", f"{scene.seconds:.3f}", "-map", "0:v:0", "-an", "-sn", "-dn")
    with write_whole(output) as temporary:
        _run((*arguments, "-map_metadata", "-1", *codec, "-f", "matroska", f"file:{temporary}"))


def early_picture(path: Path) -> NDArray[np.uint8]:
    """The grey picture, shape (36, 64), one second into a cut scene; ``InputError`` if the file shows nothing."""
    pictures = _small_pictures(path, seconds=1.1)
    if len(pictures) == 0:
        raise InputError(f"{path}: contains no picture")
    return np.asarray(pictures[-1], dtype=np.uint8)


def _shows_something(piece: NDArray[np.float32]) -> bool:
    if float(piece.std(axis=(1, 2)).mean()) < _LEAST_CONTRAST or len(piece) < 2:
        return False
    return float(np.abs(np.diff(piece, axis=0)).mean()) > _LEAST_MOTION


def _place(start: float, end: float, keyframes: Sequence[float], kind: str) -> Scene | None:
    """Where in the shot from ``start`` to ``end`` (seconds) the scene is cut, or None if it is too short."""
    # The looks are a fifth of a second apart: the cut itself lies up to one look before the first of the shot.
    begin, finish = start + (0.0 if start == 0 else 0.1), end - 1 / LOOKS_PER_SECOND
    if start == 0 and finish >= LEAST_SECONDS and kind == "video_ugc" and finish < 2 * SCENE_SECONDS:
        return Scene(0.0, min(SCENE_SECONDS, finish), True)
    for key in keyframes:
        if key >= begin - 1 / LOOKS_PER_SECOND and key <= finish - SCENE_SECONDS and (key >= begin or start == 0):
            return Scene(key, SCENE_SECONDS, True)
    for key in keyframes:
        if begin <= key <= finish - LEAST_SECONDS:
            return Scene(key, finish - key, True)
    if kind == "video_pristine" and finish - begin >= LEAST_SECONDS:
        seconds = min(SCENE_SECONDS, finish - begin)
        return Scene(begin + (finish - begin - seconds) / 2, seconds, False)
    return None


def _inspect(path: Path) -> _Video | None:
    try:
        text = _run(
            ("-skip_frame", "nokey", *_LIMITS, "-i", f"file:{path}", "-map", "0:v:0", *_SHOW_EVERY),
            quiet=False,
        ).decode("utf-8", "replace")
    except InputError:
        return None
    size = re.search(r"Video: .*?, (\d{2,5})x(\d{2,5})", text)
    if size is None:
        return None
    keys = tuple(max(0.0, float(time)) for time in re.findall(r"showinfo.*? pts_time:\s*(-?[\d.]+)", text))
    return _Video(int(size[1]), int(size[2]), keys)


def _small_pictures(path: Path, seconds: float = LOOKED_AT_SECONDS) -> NDArray[np.float32]:
    """Grey pictures, :data:`LOOKS_PER_SECOND` of them a second, shape (count, 36, 64), values 0 to 255."""
    filters = f"fps={LOOKS_PER_SECOND},scale={_WIDTH}:{_HEIGHT}:flags=area,format=gray"
    try:
        raw = _run(("-t", f"{seconds:g}", "-i", f"file:{path}", "-map", "0:v:0", "-vf", filters, "-f", "rawvideo", "-"))
    except InputError:
        raw = b""
    count = len(raw) // (_WIDTH * _HEIGHT)
    flat = np.frombuffer(raw, np.uint8, count * _WIDTH * _HEIGHT)
    return flat.reshape(count, _HEIGHT, _WIDTH).astype(np.float32)


def _run(arguments: Sequence[str], quiet: bool = True) -> bytes:
    """Run ffmpeg; its output, or with ``quiet`` false its messages. Files of packages may open nothing but files."""
    where = arguments.index("-i")
    limited = ("-threads", "1", *arguments[:where], "-protocol_whitelist", "file", *arguments[where:])
    done = run(limited, seconds=_MOST_SECONDS, program=find_ffmpeg().path, level="error" if quiet else "info")
    return done.stdout if quiet else done.stderr
