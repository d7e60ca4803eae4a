"""Scratch files are removed, those of killed processes by the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conviqt_cli.errors import LimitError
from conviqt_cli.storage.scratch import Scratch


def test_the_next_process_removes_what_a_killed_one_has_left(tmp_path):
    program = (
        "import os, pathlib, signal\n"
        "from conviqt_cli.storage.scratch import Scratch\n"
        f"with Scratch(pathlib.Path({str(tmp_path)!r})).room('a.mp4', 1) as path:\n"
        "    path.write_bytes(b'x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert list(tmp_path.glob("*/0/a.mp4"))
    alive = Scratch(tmp_path)
    assert not list(tmp_path.glob("*/0/a.mp4"))
    other = Scratch(tmp_path)
    assert alive._folder.exists()
    for each in (alive, other):
        each.close()
    assert not list(tmp_path.iterdir())


def test_a_file_goes_after_its_block_and_what_cannot_fit_is_refused(tmp_path):
    scratch = Scratch(tmp_path)
    with scratch.room("s3://bucket/a.mp4", 1) as path:
        path.write_bytes(b"x")
        assert path.name == "a.mp4"
    assert not path.exists()
    with pytest.raises(LimitError, match="CONVIQT_SCRATCH"), scratch.room("b.mp4", 1 << 60):
        pass
    scratch.close()
