"""Labels find their videos whatever was done to the names, and never the wrong one."""

import pytest

from conviqt_cli.labels.matching import match


@pytest.mark.parametrize(
    ("label", "file"),
    [
        ("a.mp4", "a.mp4"),
        ("a", "deep/er/a.mkv"),
        ("Video/A001.mp4", "a001.MP4"),
        ("pa/pa2_25fps.yuv", "converted/pa2_25fps.mp4"),
        ("4542323058", "KoNViD_1k_videos/4542323058_540p.mp4"),
        ("4542323058.0", "4542323058.mp4"),
        ("Animation_1080P-05f8_crf_10_ss_00_t_20.0.mp4", "Animation_1080P-05f8.mkv"),
        ("folder\\b.avi", "folder/b.avi"),
    ],
)
def test_a_label_finds_its_file(label, file):
    assert match([label], [file, "other.mp4"]).found == {label: file}


def test_whole_words_only():
    assert match(["12"], ["123.mp4", "112.mp4"]).no_file == ["12"]


def test_folders_tell_equal_names_apart():
    files = ["batch1/4.mp4", "batch2/4.mp4"]
    assert match(["batch1/4.mp4", "batch2/4"], files).found == {
        "batch1/4.mp4": "batch1/4.mp4",
        "batch2/4": "batch2/4.mp4",
    }


def test_what_does_not_pair_is_listed():
    found = match(["a", "b", "b_2", "gone"], ["x/a.mp4", "y/a.mp4", "b_2_540p.mp4", "b.mp4", "extra.mp4"])
    assert found.ambiguous == {"a": ["x/a.mp4", "y/a.mp4"]}
    assert found.no_file == ["gone"]
    assert found.unlabelled == ["extra.mp4"]
    assert found.found == {"b": "b.mp4", "b_2": "b_2_540p.mp4"}


def test_a_file_that_two_labels_mean_is_used_for_neither():
    found = match(["a.mp4", "a.avi"], ["a.mkv"])
    assert found.found == {}
    assert found.shared == {"a.mkv": ["a.mp4", "a.avi"]}
