"""Names such as ``s3://bucket/clips/a.mp4``: what is there, how large it is, and its bytes.

Credentials come from the environment alone, as the store's own tools find them (``AWS_ACCESS_KEY_ID`` and the like,
profiles, the role of a machine). A name that holds some is refused, and no message repeats one.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conviqt_cli.errors import ConviqtError, InputError, LimitError, UsageError

#: Schemes of object stores, and the package that fsspec needs for each.
SCHEMES = {"s3": "s3fs", "gs": "gcsfs"}

#: Seconds without a byte after which a request is given up, and how often it is made anew.
TIMEOUT, TRIES = 60, 3

#: Bytes asked for at once, and keys listed at once.
_BLOCK, _PAGE = 8 << 20, 1000

_NAME = re.compile(r"^(s3|gs)://")

#: Variables whose values no message may hold.
_SECRETS = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True)
class Stat:
    """An object: its size, and when it was last changed, in nanoseconds since 1970."""

    bytes: int
    mtime_ns: int


def is_object(name: str) -> bool:
    """Whether a name is that of something in an object store."""
    return bool(_NAME.match(name))


def check_name(name: str) -> None:
    """Raise :class:`UsageError` for a name with credentials in it."""
    if is_object(name) and "@" in name.split("://", 1)[1].split("/", 1)[0]:
        scheme = name.split("://", 1)[0]
        raise UsageError(f"{scheme}://...: credentials do not belong in a name; put them into the environment")


def stat(name: str) -> Stat | None:
    """Size and time of an object, ``None`` where there is none; raises :class:`ConviqtError` for a store that fails."""
    try:
        info = _store(name).info(_path(name))
    except FileNotFoundError:
        return None
    except Exception as error:
        raise _explained(name, error) from None
    return _stat(info) if info.get("type") == "file" else None


def listed(folder: str, recursive: bool) -> Iterator[str]:
    """Names of the objects in a folder, sorted by their bytes, with those of its subfolders if ``recursive``.

    They are asked for as they are taken, a thousand at a time, of stores other than S3 a folder at a time. Raises
    :class:`ConviqtError` for a store that fails.
    """
    scheme = folder.split("://", 1)[0]
    prefix = _path(folder).rstrip("/") + "/"
    try:
        if scheme == "s3":
            found = _pages(_store(folder), prefix, recursive)
        else:
            found = _walked(_store(folder), prefix, recursive)
        for path in found:
            yield f"{scheme}://{path}"
    except ConviqtError:
        raise
    except Exception as error:
        raise _explained(folder, error) from None


def fetch(name: str, target: Path) -> tuple[Stat, str]:
    """Copy an object to a file; returns what it was, and its SHA-256 in hex.

    Raises :class:`InputError` where there is none, or the store fails, :class:`LimitError` for a full disk.
    """
    digest, written = hashlib.sha256(), 0
    try:
        store = _store(name)
        before = _stat(store.info(_path(name)))
        with target.open("wb") as file:
            while written < before.bytes:
                block = store.cat_file(_path(name), start=written, end=min(written + _BLOCK, before.bytes))
                if not block:
                    break
                digest.update(block)
                file.write(block)
                written += len(block)
    except ConviqtError:
        raise
    except FileNotFoundError:
        raise InputError(f"{name}: no such object") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise LimitError(f"{name}: no room for it in the scratch folder {target.parent.parent}") from None
        raise _explained(name, error) from None
    if written != before.bytes:
        raise InputError(f"{name}: only {written} of {before.bytes} bytes came; try again")
    return before, digest.hexdigest()


def put(source: Path, name: str) -> None:
    """Copy a file to an object; raises :class:`ConviqtError` for a store that fails."""
    try:
        _store(name).put_file(os.fspath(source), _path(name))
    except Exception as error:
        raise _explained(name, error) from None


def _pages(store: Any, prefix: str, recursive: bool) -> Iterator[str]:
    bucket, _, key = prefix.partition("/")
    asked = {"Bucket": bucket, "Prefix": key, "MaxKeys": _PAGE, **({} if recursive else {"Delimiter": "/"})}
    while True:
        page = store.call_s3("list_objects_v2", **asked)
        for each in page.get("Contents", ()):
            if not each["Key"].endswith("/"):
                yield f"{bucket}/{each['Key']}"
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _walked(store: Any, prefix: str, recursive: bool) -> Iterator[str]:
    for folder, _, files in store.walk(prefix.rstrip("/"), maxdepth=None if recursive else 1):
        yield from (f"{folder}/{name}" for name in sorted(files, key=os.fsencode))


@lru_cache(maxsize=8)
def _filesystem(scheme: str) -> Any:
    try:
        import fsspec

        importlib.import_module(SCHEMES[scheme])
    except ImportError:
        raise UsageError(f"{scheme}:// needs {SCHEMES[scheme]}: pip install 'conviqt[cloud]'") from None
    options: dict[str, Any] = {"use_listings_cache": False}
    if scheme == "s3":
        waiting = {"connect_timeout": 20, "read_timeout": TIMEOUT, "retries": {"max_attempts": TRIES}}
        options |= {"config_kwargs": waiting}
    return fsspec.filesystem(scheme, **options)


def _store(name: str) -> Any:
    return _filesystem(name.split("://", 1)[0])


def _path(name: str) -> str:
    return name.split("://", 1)[1]


def _stat(info: dict[str, Any]) -> Stat:
    changed: Any = info.get("LastModified") or info.get("mtime") or info.get("updated")
    seconds = changed.timestamp() if hasattr(changed, "timestamp") else float(changed or 0)
    return Stat(int(info["size"]), round(seconds * 1000) * 1_000_000)


def _explained(name: str, error: Exception) -> ConviqtError:
    """One line that says what the store said, without a secret."""
    if isinstance(error, PermissionError) or "credentials" in str(error).lower():
        return InputError(f"{name}: the store refuses access; check the credentials in the environment")
    text = " ".join(str(error).split())[:200]
    for variable, value in os.environ.items():
        if len(value) >= 8 and _SECRETS.search(variable):
            text = text.replace(value, "***")
    return InputError(f"{name}: the store fails ({type(error).__name__}: {text}); try again later")
