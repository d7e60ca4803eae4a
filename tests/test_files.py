"""Files appear complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from conviqt_cli.files import safe_name, write_text_whole, write_whole


def test_a_file_that_could_not_be_finished_leaves_the_old_one_and_nothing_else(tmp_path: Path):
    target = tmp_path / "figures.json"
    write_text_whole(target, "old")
    with pytest.raises(RuntimeError), write_whole(target) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["figures.json"]


def test_names_stay_inside_their_folder():
    assert safe_name("../a b/é.mp4") == "___a_b_é_mp4"
