"""Label files as they circulate, and the wild ones: read right, explained, or refused with a reason."""

import pickle

import numpy as np
import pytest
from scipy.io import savemat

from conviqt_cli.errors import LabelError, UsageError
from conviqt_cli.labels.reading import read_labels
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.labels.table import number


def read(tmp_path, content, name="labels.csv", **how):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path, LabelSettings(**how))


ROWS = [("a.mp4", 1.5), ("b.mp4", 4.25), ("c.mp4", 3.0)]


@pytest.mark.parametrize(
    "content",
    [
        "video,mos\na.mp4,1.5\nb.mp4,4.25\nc.mp4,3\n",
        "a.mp4, 8.0, 29.97, 1.5\nb.mp4, 8.1, 25, 4.25\nc.mp4, 8.0, 25, 3.0\n",
        "Scene;File_name;MOS;;;\r\nx;a.mp4;1,5;;;\r\ny;b.mp4;4,25;;;\r\nz;c.mp4;3,00;;;\r\n;;;;;\r\n;;;;;\r\n",
        "\ufeffvideoName\tMOS\tstd\na.mp4\t1.5\t.3\nb.mp4\t4.25\t.2\nc.mp4\t3.0\t.1\n",
        "a.mp4|1.5\nb.mp4|4.25\nc.mp4|3\n",
        "a.mp4 1.5\nb.mp4   4.25\nc.mp4 3e0\n",
        ",File Names,Score\n0,a.mp4,1.5\n1,b.mp4,4.25\n2,c.mp4,3.0\n",
        "File Names,a.mp4,b.mp4,c.mp4,d.mp4\nMOS,1.5,4.25,3.0,nan\n",
        "# made by hand\nmos,file\n1.5,a.mp4\n4.25,b.mp4\n3.0,c.mp4\n",
        'video,mos\n"a.mp4","1,5"\n"b.mp4","4,25"\n"c.mp4","3"\n',
        "video,subject,rating\na.mp4,1,1\na.mp4,2,2\nb.mp4,1,4.5\nb.mp4,2,4\nc.mp4,1,3\n",
        ",Subject1,Subject2,Subject3\na.mp4,1.0,-1.0,2.0\nb.mp4,4.5,4.0,-1.0\nc.mp4,-1.0,-1.0,3.0\n",
    ],
)
def test_every_form_gives_the_same_labels(content, tmp_path):
    found = read(tmp_path, content)
    assert list(zip(found.names, found.mos.tolist(), strict=True)) == ROWS
    assert found.scale.is_acr


def test_utf16_and_latin1_are_read(tmp_path):
    assert read(tmp_path, "video,mos\na.mp4,1.5\nb.mp4,2\n".encode("utf-16")).names == ["a.mp4", "b.mp4"]
    assert read(tmp_path, "video,mos\né.mp4,1.5\nb.mp4,2\n".encode("latin-1")).names == ["é.mp4", "b.mp4"]


def test_numeric_ids_are_names(tmp_path):
    found = read(tmp_path, "flickr_id,mos\n3339962845,4.6\n8171831850,4.4\n")
    assert found.names == ["3339962845", "8171831850"]


def test_mat_files_are_read(tmp_path):
    names = np.empty((4, 1), dtype=object)
    names[:, 0] = ["a.yuv", "b.yuv", "c.yuv", "d.yuv"]
    savemat(tmp_path / "x.mat", {"video_list": names, "mos": np.arange(4.0)[:, None], "other": np.zeros((9, 1))})
    found = read_labels(tmp_path / "x.mat")
    assert found.names == ["a.yuv", "b.yuv", "c.yuv", "d.yuv"]
    assert found.mos.tolist() == [0, 1, 2, 3]


def test_nothing_is_dropped_silently(tmp_path):
    found = read(
        tmp_path,
        "video,mos\na.mp4,1.5\nb.mp4,NaN\nc.mp4,\nd.mp4,-1\ne.mp4,3\ne.mp4,3\nf.mp4,2\nf.mp4,4\ng.mp4,bad\nh.mp4,5\ni.mp4\n",
        missing=-1.0,
    )
    assert found.names == ["a.mp4", "e.mp4", "h.mp4"]
    assert found.left_out == {
        "lines of another width": ["line 12"],
        "no score": ["b.mp4", "c.mp4", "d.mp4"],
        "score is not a number": ["g.mp4 ('bad')"],
        "repeated with the same score (used once)": ["e.mp4 (2 times)"],
        "repeated with different scores": ["f.mp4 (2, 4)"],
    }


def test_minus_one_among_positive_scores_is_asked_about(tmp_path):
    content = "video,mos\na.mp4,1.5\nb.mp4,-1\nc.mp4,3\n"
    with pytest.raises(LabelError, match="declare -1"):
        read(tmp_path, content)
    assert read(tmp_path, content, missing=-1.0).names == ["a.mp4", "c.mp4"]
    assert len(read(tmp_path, content, scale=(-3.0, 3.0)).names) == 3


@pytest.mark.parametrize(
    ("scores", "how", "scale"),
    [
        ("1.2 4.9", {}, (1, 5, True)),
        ("0.2 0.9", {}, (0, 1, True)),
        ("0.5 9", {}, (0, 10, True)),
        ("12 88", {}, (0, 100, True)),
        ("-4 120", {}, (None, None, True)),
        ("12 88", {"dmos": True}, (0, 100, False)),
        ("12 88", {"scale": (0.0, 90.0)}, (0, 90, True)),
    ],
)
def test_the_scale_is_inferred_or_declared_and_stated(scores, how, scale, tmp_path):
    low, high = scores.split()
    found = read(tmp_path, f"video,mos\na.mp4,{low}\nb.mp4,{high}\n", **how)
    assert (found.scale.low, found.scale.high, found.scale.higher_is_better) == scale
    assert ("declared" in found.facts["scale"]) or ("inferred" in found.facts["scale"])


def test_dmos_in_the_heading_means_worse_but_unbiased_mos_does_not(tmp_path):
    assert not read(tmp_path, "video,DMOS\na,30\nb,60\n").scale.higher_is_better
    assert read(tmp_path, "video,unBiasedMOS\na,30\nb,60\n").scale.higher_is_better
    assert read(tmp_path, "video,DMOS\na,30\nb,60\n", dmos=False).scale.higher_is_better


def test_columns_can_be_said_by_name_and_number(tmp_path):
    content = "clip,mos_a,mos_b,place\na,1,4,x\nb,2,3,x\nc,3,2,y\n"
    assert read(tmp_path, content, mos_col="mos_b").mos.tolist() == [4, 3, 2]
    found = read(tmp_path, content, mos_col="2", group_col="Place")
    assert (found.mos.tolist(), found.groups) == ([1, 2, 3], ["x", "x", "y"])
    with pytest.raises(LabelError, match="no column 'mos_c'; there are: clip, mos_a"):
        read(tmp_path, content, mos_col="mos_c")
    with pytest.raises(LabelError, match="holds text"):
        read(tmp_path, content, mos_col="place")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "x.csv", "empty"),
        (b"   \n\n", "x.csv", "empty"),
        (pickle.dumps({"a": 1}), "x.csv", "binary data"),
        (b"PK\x03\x04rest", "x.xlsx", "save the sheet as CSV"),
        (b"just words\n", "x.txt", "no rows"),
        (b"words\nmore words here\nso on and on\n", "x.txt", "no table|no column"),
        (b"video,mos\n", "x.csv", "no rows"),
        (b"video,mos\na,nan\nb,\n", "x.csv", "no usable label"),
        (b"MATLAB 5.0 broken", "x.mat", "not a MATLAB file, or damaged"),
        (b"video,mos\na,7\nb,2\n", "scale.csv", "outside the scale"),
    ],
)
def test_what_is_no_label_file_is_refused_with_a_reason(content, name, said, tmp_path):
    how = {"scale": (1.0, 5.0)} if name == "scale.csv" else {}
    with pytest.raises(LabelError, match=said):
        read(tmp_path, content, name, **how)


def test_missing_files_and_unknown_layouts_are_clear(tmp_path):
    with pytest.raises(LabelError, match="no such label file"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="konvid-1k"):
        read(tmp_path, "video,mos\na,1\nb,2\n", layout="tid2013")


def test_numbers_are_numbers_only():
    assert number("1_000") is None
    assert number("0x10") is None
    assert number("3,5") == 3.5
    assert number("-.5e1") == -5
    assert np.isnan(number(" NaN "))


PUBLISHED = {
    # file: (database, labels, contents, direction, first label by name)
    "CVD2014.labels.txt": ("CVD2014", 234, 5, True, 20.65),
    "CVD2014_Realignment_MOS.csv": ("CVD2014", 234, 5, True, 67.29),
    "ETRI-LIVE_DMOS.csv": ("LIVE-ETRI", 437, 15, False, 35.21201634),
    "ETRI-LIVE_MOS.csv": ("LIVE-ETRI", 437, 15, True, 64.65931492),
    "KoNViD.labels.txt": ("KoNViD-1k", 1200, 1200, True, 3.22),
    "LIVE-Qualcomm_qualcommSubjectiveData.mat": ("LIVE-Qualcomm", 208, 54, True, 52.56657483),
    "LIVE-YT-HFR.subject_DMOS.csv": ("LIVE-YT-HFR", 464, 16, False, 25.637843478934748),
    "LIVE-YT-HFR.subject_MOS.csv": ("LIVE-YT-HFR", 480, 16, True, 43.024950466521226),
    "LIVE-YT-HFR.subject_raw.csv": ("LIVE-YT-HFR", 480, 16, True, None),
    "LIVE_Qualcomm.labels.txt": ("LIVE-Qualcomm", 208, 54, True, 41.64888182462034),
    "LIVE_VQC.labels.txt": ("LIVE-VQC", 585, 585, True, 80.232),
    "LSVQ.labels_test.txt": ("LSVQ", 7186, 7186, True, 67.75),
    "YouTubeUGC.labels.txt": ("YouTube-UGC", 1147, 1147, True, 4.405),
    "youtube_ugc_data.mat": ("YouTube-UGC", 1142, 1142, True, 3.901),
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_files_are_read_without_a_word(name, shared):
    title, count, contents, better, first = PUBLISHED[name]
    found = read_labels(shared / "data" / "scores_only" / name)
    assert found.layout.title == title
    assert (len(found.names), len(set(found.groups))) == (count, contents)
    assert found.scale.higher_is_better is better
    assert found.left_out == {}
    if first is not None:
        assert found.mos[0] == pytest.approx(first)


def test_two_copies_of_one_database_agree(shared):
    folder = shared / "data" / "scores_only"
    text, mat = (
        read_labels(folder / name) for name in ("LIVE_Qualcomm.labels.txt", "LIVE-Qualcomm_qualcommSubjectiveData.mat")
    )
    by_name = {name.split("/")[-1]: mos for name, mos in zip(text.names, text.mos, strict=True)}
    assert all(by_name[name] == pytest.approx(mos, abs=1e-6) for name, mos in zip(mat.names, mat.mos, strict=True))


def test_stated_scale_direction_and_spread_are_taken_from_the_file(shared):
    found = read_labels(shared / "data" / "mos" / "live_iqa_r2_subset" / "labels.csv")
    assert (found.scale.low, found.scale.high, found.scale.higher_is_better) == (0, 110, False)
    assert len(set(found.groups)) == 3
    assert np.isfinite(found.std).all()
