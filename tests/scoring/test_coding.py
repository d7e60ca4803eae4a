"""How coarsely a clip was coded shows in the size of its packets."""

from __future__ import annotations

import subprocess

import numpy as np

from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import SPARSE
from conviqt_cli.scoring.coding import rate_factors
from conviqt_cli.scoring.evidence import Evidence, Measurer
from conviqt_cli.video.probe import probe


def factor_of(path) -> float | None:
    planned = schedule(probe(str(path)), SPARSE)
    evidence, measurer, start = Evidence(), Measurer(), []
    with planned.open(120.0) as stream:
        for clip in planned.clips(stream):
            evidence.add(measurer.of(clip))
            start.append(clip.start)
    found = rate_factors(planned, np.array(start), evidence.absolute())
    return None if found is None else float(found.mean())


def test_a_coarser_encode_of_the_same_pictures_has_a_higher_factor(sample, ffmpeg, tmp_path):
    def encode(name, *options):
        command = [ffmpeg, "-v", "error", "-i", sample, "-an", "-frames:v", "32", *options, tmp_path / name]
        subprocess.run(command, check=True)
        return factor_of(tmp_path / name)

    fine, middle, bad = (encode(f"{crf}.mkv", "-c:v", "libx264", "-crf", crf) for crf in ("18", "30", "42"))
    assert fine is not None and middle is not None and bad is not None
    assert fine + 5 < middle and middle + 5 < bad
    assert encode("other.mkv", "-c:v", "mpeg4") is None
