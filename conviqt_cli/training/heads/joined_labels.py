"""One label on 1 to 5 from two full-reference metrics, joined by rank.

Against people, with the best version of each scene standing in for its source (SROCC over all, mean within a scene):
FDIM .939 and .964, VMAF 1.0.16 .847 and .834, both joined .938 and .944 on 30 pictures of LIVE (JPEG, blur, noise);
.896 and .904, .895 and .941, joined .917 and .926 on 216 of SR4KIQA (upscaling). VMAF 0.6.1: .783 and .764, .895 and
.924. So FDIM ranks across kinds, VMAF a little better within upscaling, and together they are never far from the best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from conviqt_cli.arrays import Floats


def join(fdim: Sequence[float], vmaf: Sequence[float]) -> Floats:
    """Labels (n,) on 1 to 5 from FDIM (n,), about 0 to 5, and VMAF (n,), 0 to 100, of the same pictures.

    Each VMAF counts as the FDIM of the same rank, and a label is the mean of both.
    """
    by_network = np.clip(np.asarray(fdim, dtype=np.float64), 1.0, 5.0)
    if not len(by_network):
        return by_network
    place = (rankdata(vmaf) - 1) / max(len(by_network) - 1, 1)
    by_vmaf = np.interp(place, np.linspace(0.0, 1.0, len(by_network)), np.sort(by_network))
    joined: Floats = (by_network + by_vmaf) / 2
    return joined
