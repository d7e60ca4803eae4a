"""Which content no training stage may see: decided by name alone, so that every stage and benchmark agrees."""

from __future__ import annotations

import hashlib

#: One content in this many is held out.
ONE_IN = 6


def held_out(content: str) -> bool:
    """Whether a content (a scene or a photograph, by the name that the corpus gives it) is kept for measuring."""
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big") % ONE_IN == 0
