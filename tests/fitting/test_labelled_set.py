"""Labels are paired with vectors, and whatever does not pair up is listed."""

import numpy as np
import pytest

from conviqt_cli.errors import LabelError
from conviqt_cli.fitting.labelled_set import pair
from conviqt_cli.labels.reading import read_labels
from conviqt_cli.scoring.feature_set import FeatureSet


def test_vectors_follow_their_labels(tmp_path):
    (tmp_path / "l.csv").write_text("video,mos\nz,3\nx,1\ny,2\nw,5\n")
    features = FeatureSet(
        np.array([[10], [20], [21], [99]], np.float32),
        np.zeros(4),
        np.ones(4),
        np.array(["d/x.mp4", "d/y.mp4", "d/y.mp4", "other.mp4"]),
        "enc",
    )
    found = pair(read_labels(tmp_path / "l.csv"), features)
    data = found.data
    assert data.names.tolist() == ["x", "y"]
    assert data.mos.tolist() == [1, 2]
    assert data.clips.ravel().tolist() == [10, 20, 21]
    assert data.means.ravel().tolist() == [10, 20.5]
    assert found.left_out == {"labels without a video": ["z", "w"], "videos without a label": ["other.mp4"]}
    (tmp_path / "m.csv").write_text("video,mos\nq,3\nr,1\n")
    with pytest.raises(LabelError, match="none of 2 labels fits"):
        pair(read_labels(tmp_path / "m.csv"), features)
