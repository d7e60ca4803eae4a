"""One row of a run: a result, the file it is of, and what made it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from conviqt_cli.quality.scale import Scale
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scoring.results import DECIMALS, FailedScore, ModelInfo, VideoScore
from conviqt_cli.scoring.settings import BEFORE, ScoringSettings
from conviqt_cli.storage.objects import is_object
from conviqt_cli.storage.objects import stat as storage_stat
from conviqt_cli.video.ffmpeg import is_url


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it was scored: ``bytes``, modification time in nanoseconds, and its content key, a SHA-256 in hex."""

    bytes: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, source: str) -> FileFacts | None:
        """Read them; ``None`` for a URL, and for what is not a readable regular file. Reads the whole file."""
        digest = hashlib.sha256()
        try:
            if is_url(source) or not Path(source).is_file():
                return None
            with Path(source).open("rb") as file:
                stat = os.fstat(file.fileno())
                while block := file.read(1 << 20):
                    digest.update(block)
        except (OSError, ValueError):
            return None
        return cls(stat.st_size, stat.st_mtime_ns, digest.hexdigest())

    def same_stat(self, source: str) -> bool:
        """Whether size and modification time are still these."""
        return stat_of(source) == (self.bytes, self.mtime_ns)


def stat_of(source: str) -> tuple[int, int] | None:
    """Size and modification time, in bytes and nanoseconds, of a file or of what lies in an object store.

    ``None`` for any other URL, and for what is not there. Raises :class:`ConviqtError` for a store that fails.
    """
    if is_object(source):
        found = storage_stat(source)
        return None if found is None else (found.bytes, found.mtime_ns)
    try:
        stat = os.stat(source)  # noqa: PTH116 (a name that is not text is fine here too)
    except (OSError, ValueError):
        return None
    return stat.st_size, stat.st_mtime_ns


def unchanged(source: str, then: FileFacts | None) -> bool:
    """Whether ``source`` is what it was: same size and time, or, where only the time differs, same content.

    What had no facts (a URL, a file that could not be opened) is unchanged while it still has none.
    """
    if then is None:
        return is_url(source) or not os.access(source, os.R_OK) or not Path(source).is_file()
    if then.same_stat(source):
        return True
    try:
        same_size = Path(source).stat().st_size == then.bytes
    except OSError:
        return False
    now = FileFacts.of(source) if same_size else None
    return now is not None and now.sha256 == then.sha256


@dataclass(frozen=True)
class Maker:
    """Model and settings of a run; rows of different makers are not comparable and never share a file."""

    model: ModelInfo
    settings: ScoringSettings

    @cached_property
    def identity(self) -> dict[str, str]:
        """What must be equal for two rows to be comparable, by name."""
        return identity(self.model, self.settings.to_dict())

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The values of :attr:`identity`."""
        return interned(self.identity.values())


def identity(model: ModelInfo, settings: dict[str, Any]) -> dict[str, str]:
    """The identity of the maker of a row, from the ``model`` and ``settings`` of its JSON record.

    GPUs of one machine count as one device. Raises ``KeyError`` for settings without a device.
    """
    device = str(settings["device"]).split(":")[0]
    return {
        "model": model.id,
        "model_checksum": model.checksum,
        "encoder_id": model.encoder_id,
        "regressor": model.regressor,
        "settings": json.dumps({**BEFORE, **settings, "device": device}, sort_keys=True),
    }


def interned(values: Iterable[str]) -> tuple[str, ...]:
    """The values, equal ones as one object, however many rows hold them."""
    return tuple(sys.intern(value) for value in values)


@dataclass(frozen=True)
class Record:
    """A result with the facts of its file (``None`` for URLs and what cannot be opened) and its maker."""

    result: VideoScore | FailedScore
    maker: Maker
    file: FileFacts | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON record: the result's own, with ``file``, ``model`` and ``settings``; names as in :mod:`.cells`."""
        facts = None if self.file is None else asdict(self.file)
        record = {**self.result.to_dict(), "source": visible(self.result.source), "file": facts}
        if "error" in record:
            record["error"] = {**record["error"], "text": visible(record["error"]["text"])}
        record["model"] = {**asdict(self.maker.model), "regressor": visible(self.maker.model.regressor)}
        record.setdefault("settings", self.maker.settings.to_dict())
        return record


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row on disk says: ``quality`` when scored, ``code`` and ``reason`` when failed.

    ``worst`` is the quality of the worst segment on ``scale``, ``warnings`` the codes of what makes the score mean
    less, separated by spaces; all of them are of scored videos only.
    """

    source: str
    quality: float | None
    code: str | None
    reason: str | None
    identity: tuple[str, ...]
    file: FileFacts | None
    worst: float | None = None
    scale: Scale | None = None
    warnings: str = ""

    @property
    def failed(self) -> bool:
        """Whether the video could not be scored."""
        return self.quality is None

    @classmethod
    def of(cls, record: Record) -> Entry:
        """The entry that a record's row reads back as."""
        result, identity = record.result, record.maker.key
        if isinstance(result, FailedScore):
            return cls(result.source, None, result.code, result.reason, identity, record.file)
        quality, worst = round(result.quality, DECIMALS), round(result.worst(1)[0].quality, DECIMALS)
        codes = sys.intern(" ".join(note.code for note in result.warnings))
        return cls(result.source, quality, None, None, identity, record.file, worst, result.scale, codes)
