"""What ``conviqt benchmark`` found out about this machine, kept for the estimates that are shown before long work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conviqt_cli.benchmark import Speed
from conviqt_cli.files import cache_folder, write_text_whole

#: What the speed of a frame depends on, beside the size of the picture.
_DECISIVE = ("device", "precision", "sampling", "picture", "display")


@dataclass(frozen=True)
class KnownSpeed:
    """Frames per second through the whole pipeline with ``settings``, on pictures of so many ``lines``."""

    lines: int
    frames_per_second: float
    settings: dict[str, Any]


def remember(speeds: Sequence[Speed]) -> None:
    """Keep them in the user's cache folder, in place of earlier ones; raises ``OSError`` where that is not possible."""
    rows = [
        {
            "lines": each.lines,
            "frames_per_second": each.frames,
            "settings": {name: each.scored_with[name] for name in _DECISIVE},
        }
        for each in speeds
    ]
    _path().parent.mkdir(parents=True, exist_ok=True)
    write_text_whole(_path(), json.dumps(rows, indent=1) + "\n")


def known_speed(settings: Mapping[str, Any], lines: int) -> float | None:
    """Frames per second at the nearest size measured with the ``settings`` of a record; ``None`` if there is none."""
    wanted = {name: settings[name] for name in _DECISIVE}
    fitting = [each for each in _remembered() if each.settings == wanted]
    return min(fitting, key=lambda each: abs(each.lines - lines)).frames_per_second if fitting else None


def _remembered() -> list[KnownSpeed]:
    try:
        return [KnownSpeed(**row) for row in json.loads(_path().read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _path() -> Path:
    return cache_folder() / "benchmark.json"
