"""How coarsely clips were coded, told from the size of their packets.

Hardly any decoder says which quantiser an encoder used, but a picture of so much detail and movement takes about so
many bits at each: on H.264 encodes at a constant rate factor (CRF) of 18 to 44, of scenes left out of the fit, that
factor is met to within about six (standard deviation). That is enough to speak against compression, up to about
:data:`FINE`; a high factor proves nothing, for some pictures seem to be coded more coarsely than they are.
"""

from __future__ import annotations

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.plans.schedule import Schedule
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.scoring.evidence import MEASURES

#: Rate factor up to which coding is fine.
FINE = 22.0

#: H.264, and codecs that need fewer bits, and so seem to be coded more coarsely than they are.
_CODECS = frozenset({"h264", "hevc", "vp9", "av1", "vvc"})

#: The factor is linear in the logarithm of bits per pixel and these measures.
_CONSTANT, _OF_BITS = -2.39, -5.03
_OF_MEASURES = {"change": -0.4, "band 1": 5.07, "band 3": -3.73, "band 5": -1.03}

#: Bits per pixel that are next to nothing.
_LEAST = 1e-4


def rate_factors(schedule: Schedule, start: Floats, measures: Floats) -> Floats | None:
    """The rate factor (CRF of H.264) that each clip seems to be coded at; ``None`` where packets do not tell.

    ``start`` (n,) is when clips begin, in seconds, ``measures`` (n, d) their measures, as named by :data:`MEASURES`.
    """
    timeline, info = schedule.timeline, schedule.info
    if timeline is None or schedule.windows is None or info.codec not in _CODECS:
        return None
    firsts = np.searchsorted(timeline.times, start - 1e-6)
    bits = np.array([8 * timeline.sizes[at : at + CLIP_LENGTH].mean() for at in firsts]) / (info.width * info.height)
    factor: Floats = _CONSTANT + _OF_BITS * np.log(bits + _LEAST)
    return factor + sum(weight * measures[:, MEASURES.index(name)] for name, weight in _OF_MEASURES.items())
