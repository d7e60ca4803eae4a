"""Outputs in object stores, to which nothing can be appended: they grow in a local folder and are copied from there.

That folder is in the user's cache and belongs to the output's name. What a killed run has left in it is carried on by
the next one on the same machine; on another machine, what was copied last is.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from conviqt_cli.errors import UsageError
from conviqt_cli.files import cache_folder, safe_name, short_id
from conviqt_cli.storage.objects import check_name, fetch, listed, put, stat

#: A path library takes the second slash away.
_AS_PATH = re.compile(r"^(s3|gs):/(?=[^/])")


def object_name(output: Path) -> str | None:
    """The name in an object store that an output was given as, ``None`` for a local path."""
    text = os.fspath(output)
    return _AS_PATH.sub(r"\1://", text) if _AS_PATH.match(text) else None


@contextlib.contextmanager
def staged_file(name: str) -> Iterator[Path]:
    """A local file that has the content of the object; what it has after the block is copied to the store.

    Raises :class:`UsageError` where the store cannot be read, :class:`ConviqtError` where it cannot be written.
    """
    folder = _folder(name)
    local = folder / name.rsplit("/", 1)[-1]
    if not any(folder.iterdir()) and stat(name) is not None:
        fetch(name, local)
    before = _mark(local)
    try:
        yield local
    finally:
        if _mark(local) not in (None, before):
            put(local, name)
            # A run that was ended early has left more beside it.
            if [local] == list(folder.iterdir()):
                shutil.rmtree(folder)


@contextlib.contextmanager
def staged_folder(name: str, pattern: str) -> Iterator[Path]:
    """A local folder with the objects whose names match ``pattern``; see :func:`publish`."""
    folder = _folder(name)
    for each in listed(name, recursive=False):
        base = each.rsplit("/", 1)[-1]
        if re.fullmatch(pattern, base):
            found, local = stat(each), folder / base
            if found is not None and (not local.exists() or local.stat().st_size != found.bytes):
                fetch(each, local)
    yield folder


def publish(path: Path, name: str) -> None:
    """Copy a file of a staged folder to the store; raises :class:`ConviqtError` where it cannot be written."""
    put(path, f"{name.rstrip('/')}/{path.name}")


def _folder(name: str) -> Path:
    check_name(name)
    folder = cache_folder() / "outputs" / f"{safe_name(name, 60)}-{short_id(name, 8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); set CONVIQT_CACHE to a folder") from None
    return folder


def _mark(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    return None
