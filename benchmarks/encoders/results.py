"""What a comparison has found so far, and results that are kept so that a run can resume."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.encoders.report import markdown
from conviqt_cli.files import write_text_whole

#: Raised whenever a result would come out differently for the same vectors and labels.
VERSION = 1


@dataclass
class Run:
    """What a run has found so far; :meth:`save` writes it as JSON."""

    notes: list[str] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, Any] = field(default_factory=dict)
    clips: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time spent inside to ``seconds``."""
        began = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began

    def save(self, output: Path) -> str:
        """Write both files; returns the Markdown."""
        output.mkdir(parents=True, exist_ok=True)
        text = markdown(asdict(self))
        (output / "encoders.json").write_text(json.dumps(_finite(asdict(self)), indent=1) + "\n", encoding="utf-8")
        (output / "encoders.md").write_text(text, encoding="utf-8")
        return text


class Kept:
    """Results by what they were computed from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, what: str, parts: list[Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """``compute()``, or what it gave before for the same ``parts`` (arrays, or anything with a ``repr``)."""
        digest = hashlib.sha256(f"{VERSION} {what}".encode())
        for part in parts:
            array = isinstance(part, np.ndarray) and part.dtype.kind in "fi"
            digest.update(np.ascontiguousarray(part).tobytes() if array else repr(np.asarray(part).tolist()).encode())
        path = self._folder / f"{what}-{digest.hexdigest()[:24]}.json"
        if not path.exists():
            write_text_whole(path, json.dumps(compute()))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
