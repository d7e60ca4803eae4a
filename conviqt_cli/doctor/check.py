"""The outcome of examining one part of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """``PROBLEM``: nothing can be scored, or not rightly. ``WARNING``: something is missing, or slower than need be."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """What was found of one part, in words; ``cure`` is what to do about it, empty where nothing is wrong."""

    part: str
    state: State
    found: str
    cure: str = ""
