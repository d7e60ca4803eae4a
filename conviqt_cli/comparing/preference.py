"""How likely viewers prefer one version of a scene to another, by the difference of their scores.

    P(A) = 1 / (1 + exp(-SLOPE x (score of A - score of B)))

"Prefer" means that the panel's mean opinion of A is the higher one. The slope was fitted by maximum likelihood to all
5840 pairs of two versions of one scene in four sets of opinion scores (AVT-Image-Database 144 pairs, frames of
AVT-VQDB-UHD-1 3550, a part of LIVE's image set 165, SR4KIQA 1981). Scores came from ridges on the default
model's vectors that had seen neither the scene nor the set. ``python -m benchmarks.preference`` fits it again and
prints the table of reliability: for each set, by the slope of the three others, how often the version that was said to
be preferred really was.
"""

from __future__ import annotations

import math

#: Per point on the scale of 1 to 5.
SLOPE = 2.5

#: No preference is stated to be surer than this: of the pairs beyond it, 98.4 % (AVT-VQDB-UHD-1) to 100 % were right.
SUREST = 0.97

#: Below this probability, two versions are said not to be told apart.
VISIBLE = 0.75


def preference(difference: float) -> float:
    """The probability that viewers prefer the version whose score is ``difference`` points (1 to 5) higher.

    >>> preference(0.0), round(preference(0.3), 2), preference(4.0)
    (0.5, 0.68, 0.97)
    """
    sure = 1 / (1 + math.exp(-SLOPE * min(max(difference, -20.0), 20.0)))
    return min(max(sure, 1 - SUREST), SUREST)
