"""What a distortion is: a named function with five levels, and how its levels are told as classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Pixels of one picture (height, width, 3) or of a clip (frames, height, width, 3), RGB, uint8.
Pixels: TypeAlias = NDArray[np.uint8]

#: Five levels of every distortion, 1 just visible, 5 severe (CONTRIQUE, section III-A; as in KADID-10k).
LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Distortion:
    """One type of distortion: ``apply(pixels, level, rng)`` gives new pixels of the same shape.

    ``family`` is the wider cause that a viewer would name ("blur", "noise", "compression", ...). A mixed type is named
    for its two parts, each of which is a type of the bank, and its levels count as levels of both.
    """

    name: str
    family: str
    apply: Callable[[Pixels, int, np.random.Generator], Pixels]
    parts: tuple[str, ...] = ()
