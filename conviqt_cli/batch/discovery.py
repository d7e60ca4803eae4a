"""Which videos a run is about: names, folders, lists and URLs become one ordered list of sources.

The order is that of the arguments; a folder's entries come sorted by the bytes of their names, files and subfolders
alike, so it is the same on every machine and every day. A source that comes up twice is taken once.

What the user names is taken as a video, whatever it is. In folders, what is not a video is skipped and counted:

- names that begin with a dot, what ``exclude`` matches, what ``include`` does not (when given);
- anything that is neither file nor folder;
- files with the ending of something else (audio, pictures, subtitles, playlists, text, archives, ...), unless
  ``include`` asks for them. A playlist is such: it can refer to anything anywhere, and is played only when named as
  a URL;
- of all other files, those with neither a video's ending nor a video's first bytes. ``.ts`` and ``.mts``, which are
  also endings of TypeScript, count by their bytes alone: text is not a video.

What has a video's ending is never skipped, so a damaged video becomes a row with a reason.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.scoring.results import FailedScore
from conviqt_cli.storage.objects import check_name, is_object, listed
from conviqt_cli.video.ffmpeg import is_url
from conviqt_cli.video.media_kinds import Kind, kind_by_bytes, kind_by_name


@dataclass(frozen=True)
class Rules:
    """How folders are searched. Globs with a ``/`` match the path inside the folder, others the name alone."""

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: A path that is never an input: the run's own output.
    output: str | None = None


@dataclass
class Found:
    """``sources`` in order; ``refused`` what needs no decoding to fail (unreadable folders); ``skipped`` by reason.

    ``links`` are the sources that are symbolic links.
    """

    sources: list[str] = field(default_factory=list)
    refused: dict[str, FailedScore] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)


def find(inputs: Sequence[str], rules: Rules | None = None) -> Found:
    """Expand files, folders and URLs; symbolic links are followed, each folder entered once."""
    found = Found()
    seen: set[str] = set()
    for source, failure in search(inputs, rules or Rules(), found.skipped):
        if source in seen:
            found.skipped["named twice"] += 1
            continue
        seen.add(source)
        found.sources.append(source)
        if _is_link(source):
            found.links.append(source)
        if failure is not None:
            found.refused[source] = failure
    return found


def search(inputs: Iterable[str], rules: Rules, skipped: Counter[str]) -> Iterator[tuple[str, FailedScore | None]]:
    """The same one by one, as they are found, with the reason for those that need no decoding to fail.

    Holds the names of the folders on the way, and nothing else. What is named twice comes twice.
    """
    entered: set[tuple[int, int]] = set()
    for name in inputs:
        if is_object(name):
            check_name(name)
            yield from _in_store(name, rules, skipped)
            continue
        if name.startswith("file://") and os.path.isdir(unquote(name[7:])):  # noqa: PTH112
            name = unquote(name[7:])
        if is_url(name) or not os.path.isdir(name):  # noqa: PTH112 (pathlib refuses a NUL in a name)
            yield name, None
        else:
            yield from _walk(name, "", rules, entered, skipped)


def read_list(file: BinaryIO, separator: bytes, name: str) -> Iterator[str]:
    """Names from a list, one per line (``b"\\n"``) or ended by NUL (``b"\\0"``), as they are read; none is empty.

    Lines may end with CR LF and the list may begin with a byte order mark. Raises :class:`UsageError` for a list of
    lines that holds NUL, which no name can.
    """
    lines, first, pending = separator == b"\n", True, b""
    while block := file.read(1 << 16):
        *parts, pending = (pending + block).split(separator)
        for part in parts:
            yield from _in_list(part, lines, first, name)
            first = False
    yield from _in_list(pending, lines, first, name)


def _in_list(part: bytes, lines: bool, first: bool, name: str) -> Iterator[str]:
    if lines:
        if b"\0" in part:
            raise UsageError(f"{name}: not a list with one name per line (it holds NUL characters)", setting="null")
        part = part.removeprefix(b"\xef\xbb\xbf" if first else b"").removesuffix(b"\r")
    if part:
        yield os.fsdecode(part)


def _walk(
    folder: str, inside: str, rules: Rules, entered: set[tuple[int, int]], skipped: Counter[str]
) -> Iterator[tuple[str, FailedScore | None]]:
    """Sources in ``folder``, which lies at ``inside`` below the one the user named."""
    # A stack of open folders rather than recursion: trees may be deeper than Python's own stack.
    stack = [(folder, inside, _entries(folder, entered))]
    while stack:
        folder, inside, entries = stack[-1]
        if isinstance(entries, str):
            if entries:
                yield folder, FailedScore(folder, "unreadable", f"{folder}: the folder cannot be read ({entries})")
            else:
                skipped["folder reached twice"] += 1
            stack.pop()
            continue
        if not entries:
            stack.pop()
            continue
        name = entries.pop()
        path, relative = os.path.join(folder, name), f"{inside}{name}"  # noqa: PTH118 (must keep the name's bytes)
        if rules.output is not None and _same(path, rules.output):
            continue
        mode = _mode(path)
        reason = _skip_reason(path, name, relative, mode, rules)
        if reason is not None:
            skipped[reason] += 1
        elif stat.S_ISDIR(mode):
            stack.append((path, f"{relative}/", _entries(path, entered)))
        else:
            yield path, None


def _in_store(name: str, rules: Rules, skipped: Counter[str]) -> Iterator[tuple[str, FailedScore | None]]:
    """An object, or the videos in a folder of them: by their names alone, as first bytes would have to be fetched."""
    if kind_by_name(name) is Kind.VIDEO:
        yield name, None
        return
    anything, above = False, len(name.rstrip("/")) + 1
    try:
        for source in listed(name, rules.recursive):
            anything = True
            relative = source[above:]
            base = relative.rsplit("/", 1)[-1]
            reason = _skip_object(base, relative, rules)
            if reason is None:
                yield source, None
            else:
                skipped[reason] += 1
    except UsageError:
        raise
    except ConviqtError as error:
        yield name, FailedScore(name, error.code, str(error))
        return
    if not anything:
        yield name, None


def _skip_object(name: str, relative: str, rules: Rules) -> str | None:
    folders = relative.split("/")[:-1]
    if _matches(rules.exclude, name, relative) or any(_matches(rules.exclude, each, each) for each in folders):
        return "excluded"
    if rules.include:
        return None if _matches(rules.include, name, relative) else "not included"
    if name.startswith(".") or any(each.startswith(".") for each in folders):
        return "hidden"
    return None if kind_by_name(name) is Kind.VIDEO else "not a video"


def _entries(folder: str, entered: set[tuple[int, int]]) -> list[str] | str:
    """Names in ``folder``, last one first; or why it cannot be read; or an empty text when it was entered before."""
    try:
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in entered:
            return ""
        entered.add((status.st_dev, status.st_ino))
        return sorted(os.listdir(folder), key=os.fsencode, reverse=True)  # noqa: PTH208 (names, not paths)
    except OSError as error:
        return error.strerror or str(error)


def _skip_reason(path: str, name: str, relative: str, mode: int, rules: Rules) -> str | None:
    """Why an entry of a folder is not an input, or ``None`` when it is one."""
    if _matches(rules.exclude, name, relative):
        return "excluded"
    if stat.S_ISDIR(mode):
        if name.startswith("."):
            return "hidden"
        return None if rules.recursive else "subfolder, not searched"
    if rules.include and not _matches(rules.include, name, relative):
        return "not included"
    if mode and not stat.S_ISREG(mode):
        return "not a file"
    if rules.include:
        return None
    if name.startswith("."):
        return "hidden"
    kind = kind_by_name(name)
    if kind is Kind.UNKNOWN:
        kind = kind_by_bytes(Path(path))
    return None if kind is Kind.VIDEO else "not a video"


def _matches(globs: tuple[str, ...], name: str, relative: str) -> bool:
    return any(fnmatchcase(relative if "/" in glob else name, glob) for glob in globs)


def _mode(path: str) -> int:
    """File type of what ``path`` leads to; 0 for a dangling or circular link, which counts by its name."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return 0


def _is_link(source: str) -> bool:
    try:
        return not is_url(source) and os.path.islink(source)  # noqa: PTH114 (pathlib refuses a NUL in a name)
    except ValueError:
        return False


def _same(path: str, output: str) -> bool:
    return os.path.basename(path).startswith(os.path.basename(output)) and os.path.realpath(  # noqa: PTH119
        path
    ).startswith(os.path.realpath(output))
