"""Files that appear complete or not at all, checksums, and short identifiers."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes that name when the block ends, and is removed if it raises.

    A reader, or a run that starts after a crash, sees the old file or the complete new one, never half of one. The
    temporary name is this process's own, so two processes may write the same file: the last one to finish wins.
    The file has the permissions that new files of the user have. Raises ``OSError`` when it cannot be renamed.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "scores.txt"
    >>> with write_whole(target) as temporary:
    ...     _ = temporary.write_text("4.2")
    ...     target.exists()
    False
    >>> target.read_text()
    '4.2'
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text_whole(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 by way of :func:`write_whole`."""
    with write_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def back_up(path: Path) -> Path | None:
    """Copy a file beside itself, to the first free one of ``NAME.bak``, ``NAME.bak2``, ...

    Returns the copy, ``None`` where there is no such file or it is empty. Raises ``OSError`` when it cannot be copied.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return None
    number = 1
    while True:
        copy = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        number += 1
        try:
            with copy.open("xb"):
                pass
        except FileExistsError:
            continue
        try:
            shutil.copy2(path, copy)
        except OSError:
            copy.unlink(missing_ok=True)
            raise
        return copy


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def short_id(content: str | bytes, length: int = 16) -> str:
    """The first ``length`` hex digits of the SHA-256 of ``content``; text counts as UTF-8.

    >>> short_id("conviqt")
    'd99dff546ac1739a'
    """
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:length]


def safe_name(text: str, longest: int = 80) -> str:
    """``text`` as the name of a file or folder: letters, digits, ``-`` and ``_`` stay, the rest becomes ``_``.

    >>> safe_name("contrique/resnet 50")
    'contrique_resnet_50'
    """
    return "".join(each if each.isalnum() or each in "-_" else "_" for each in text)[:longest]


def cache_folder() -> Path:
    """``$CONVIQT_CACHE``, else the user's cache folder of this program, as the system has it; need not exist."""
    chosen = os.environ.get("CONVIQT_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("conviqt", appauthor=False))
