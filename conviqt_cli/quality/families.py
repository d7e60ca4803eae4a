"""Families of distortion as people know them, made of those that a diagnosis head was trained on.

Families that the head confuses, or that call for the same remedy, are one: what was denoised is smeared, so it is blur;
blocks are what compression makes. Flicker and faults of timing are hardly recognised (recall 0.08 and 0.18 on contents
held out, from squares), so that they are never named, and heads for squares are not fitted on them; frozen and repeated
frames are found by comparing frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats

#: What is called clean, what packet loss, and what has no name.
CLEAN, PACKET_LOSS, OTHER = "clean", "packet loss", "other"

#: What compression is called.
COMPRESSION = "compression"

#: People's name of each of the head's families; one that is not listed keeps its own.
_NAMES = {
    "pristine": CLEAN,
    "compression": COMPRESSION,
    "blocking": COMPRESSION,
    "transmission": PACKET_LOSS,
    "blur": "blur",
    "denoising": "blur",
    "scaling": "low resolution",
    "colour": "brightness and colour",
    "exposure": "brightness and colour",
    "flicker": OTHER,
    "timing": OTHER,
}


def named(families: Sequence[str], intact: bool) -> list[str]:
    """People's name of each family; of an ``intact`` stream, what looks like packet loss is compression."""
    names = [_NAMES.get(each, each) for each in families]
    return [COMPRESSION if intact and name == PACKET_LOSS else name for name in names]


def merged(names: Sequence[str], chances: Floats) -> tuple[list[str], Floats, list[NDArray[np.intp]]]:
    """Probabilities (n, k) of families called ``names``, k of them, as those of the m different names.

    Returns the names, their probabilities (n, m), and for each name the indices of its families.
    """
    different = list(dict.fromkeys(names))
    places = [np.flatnonzero(np.asarray(names) == name) for name in different]
    sums: Floats = np.stack([chances[:, place].sum(axis=1) for place in places], axis=1)
    return different, sums, places
