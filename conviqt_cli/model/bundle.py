"""Weight bundles: a folder that says what it holds and can prove that it is undamaged.

``manifest.json`` names the networks, their normalisation and scales, the score scale, licence and provenance, and the
SHA-256 of every other file: ``spatial.safetensors``, ``temporal.safetensors``, ``MODEL_CARD.md`` and, all optional, a
regressor and a diagnosis head for each picture plan (``regressor``, ``regressor_crops``, ...) and
``calibration.safetensors`` (:mod:`.calibration`). No format in a bundle can execute code. Every file is checked each
time it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conviqt_cli.errors import BundleError
from conviqt_cli.files import sha256, short_id
from conviqt_cli.quality.diagnosis import DiagnosisHead
from conviqt_cli.quality.regressor import WHOLE, Regressor, check_belongs, load_regressor

SCHEMA = "conviqt-bundle/1"
DEFAULT = "conviqt-base"
MANIFEST = "manifest.json"

#: Values of a clip vector: 1024 of the GRU at each of two scales.
VECTOR_WIDTH = 2048

#: What this version can run; a manifest that asks for anything else is refused rather than run wrongly.
_SUPPORTED = {"spatial": ("resnet50",), "stride_in": ("conv1", "conv2"), "temporal": ("gru",)}

_PACKAGE = Path(__file__).resolve().parent.parent
#: Where named bundles live: inside an installed package, or beside it in a source checkout.
SEARCH_PATH = (_PACKAGE / "bundles", _PACKAGE.parent / "weights")


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    ``manifest`` is the parsed JSON, already checked for completeness; ``checksum`` its SHA-256, which pins every other
    file in turn. Both are read once: a bundle that is replaced during a long run does not change what this one is.
    """

    folder: Path
    manifest: dict[str, Any]
    checksum: str

    @property
    def id(self) -> str:
        """Name and version, e.g. ``conviqt-base 0.1.0``."""
        return f"{self.manifest['name']} {self.manifest['version']}"

    @property
    def provisional(self) -> bool:
        """Whether its makers say that the scores are not yet to be relied on."""
        return bool(self.manifest.get("provisional", False))

    @property
    def encoder_id(self) -> str:
        """Identity of the vectors this bundle makes: 16 hex digits over the two networks and how they are fed."""
        parts = {
            "files": [self.manifest["files"][name]["sha256"] for name in ("spatial", "temporal")],
            **{key: self.manifest[key] for key in ("architecture", "normalisation", "clip_length", "scales")},
        }
        return short_id(json.dumps(parts, sort_keys=True))

    def file(self, role: str) -> Path:
        """Path of one file by its role, verified against its checksum; raises :class:`BundleError`."""
        entry = self.manifest["files"].get(role)
        if entry is None:
            raise BundleError(f"{self.folder}: the bundle has no {role}")
        path = self.folder / str(entry["name"])
        problem = _damage(path, entry)
        if problem:
            raise BundleError(f"{path}: {problem}; install the bundle again")
        return path

    @property
    def picture_plans(self) -> dict[str, str]:
        """Picture plans that the bundle has a regressor for, or could have: name to id, the default one first."""
        plans: dict[str, str] = self.manifest.get("picture_plans", {WHOLE: WHOLE})
        return plans

    def regressor(self, picture: str = WHOLE, plan_id: str | None = None) -> Regressor:
        """The bundle's regressor for a picture plan (its name).

        ``plan_id`` is the id of the plan in use, that of the manifest unless given. Raises :class:`BundleError` when
        the bundle has no such regressor, :class:`RegressorError` when it belongs to another encoder or plan.
        """
        role = role_of("regressor", picture)
        if role not in self.manifest["files"]:
            raise BundleError(
                f"{self.folder}: the bundle has no regressor for the picture plan {picture}; give one of "
                "your own, or fit one with `conviqt fit-regressor`"
            )
        path = self.file(role)
        regressor = load_regressor(path)
        check_belongs(regressor, self.encoder_id, str(path), plan_id or self.picture_plans.get(picture))
        return regressor

    def diagnosis(self, picture: str = WHOLE) -> DiagnosisHead | None:
        """The bundle's diagnosis head for a picture plan (its name), ``None`` when it has none.

        Raises :class:`BundleError` when the head is damaged, or belongs to another encoder.
        """
        role = role_of("diagnosis", picture)
        if role not in self.manifest["files"]:
            return None
        path = self.file(role)
        head = DiagnosisHead.load(path)
        if head.picture != self.picture_plans.get(picture, WHOLE):
            raise BundleError(f"{path}: fitted on the picture plan {head.picture}; install the bundle again")
        if head.encoder_id != self.encoder_id:
            raise BundleError(
                f"{path}: fitted on encoder {head.encoder_id}, but the bundle's is {self.encoder_id}; "
                "install the bundle again"
            )
        if head.width != VECTOR_WIDTH:
            raise BundleError(f"{path}: made for vectors of {head.width} values, but clip vectors have {VECTOR_WIDTH}")
        return head

    def verify(self) -> list[str]:
        """Check every file; returns one line per problem, nothing when all is well."""
        problems = []
        for entry in self.manifest["files"].values():
            problem = _damage(self.folder / entry["name"], entry)
            if problem:
                problems.append(f"{entry['name']}: {problem}")
        return problems


def open_bundle(name: str | Path | None = None) -> Bundle:
    """Open a bundle by folder or by name (default: the one that ships with the package).

    Reads the manifest only; weights are verified when they are loaded. Raises :class:`BundleError`.
    """
    folder = _locate(str(name) if name is not None else DEFAULT)
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = json.loads(text)
    except FileNotFoundError:
        raise BundleError(f"{folder}: not a weight bundle (it has no {MANIFEST})") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder / MANIFEST}: damaged or unreadable ({error})") from None
    _check_manifest(folder, manifest)
    return Bundle(folder, manifest, hashlib.sha256(text).hexdigest())


def list_bundles() -> list[Bundle]:
    """The bundles that can be named without a path."""
    found: dict[str, Bundle] = {}
    for root in SEARCH_PATH:
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, open_bundle(manifest.parent))
    return list(found.values())


def write_manifest(folder: Path, manifest: dict[str, Any], files: dict[str, str]) -> None:
    """Seal a bundle: add name, size and SHA-256 of each file (role to file name) and write the manifest."""
    entries = {}
    for role, name in files.items():
        path = folder / name
        path.chmod(0o644)  # safetensors writes for its owner alone; a package is for everyone
        entries[role] = {"name": name, "bytes": path.stat().st_size, "sha256": sha256(path)}
    text = json.dumps({"schema": SCHEMA, **manifest, "files": entries}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def role_of(part: str, picture: str) -> str:
    """How the manifest calls a part for a picture plan (its name): the plain name is the published protocol's."""
    return part if picture == WHOLE else f"{part}_{picture}"


def _locate(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        for root in SEARCH_PATH:
            if (root / name / MANIFEST).is_file():
                return root / name
    raise BundleError(f"{name}: no such weight bundle; `conviqt weights list` shows those installed")


def _damage(path: Path, entry: dict[str, Any]) -> str | None:
    try:
        size = path.stat().st_size
    except OSError:
        return "missing"
    if size != entry["bytes"]:
        return f"damaged: {size} bytes instead of {entry['bytes']}"
    if sha256(path) != entry["sha256"]:
        return "damaged or replaced: its SHA-256 is not the one in the manifest"
    return None


def _check_manifest(folder: Path, manifest: Any) -> None:
    """Raise :class:`BundleError` unless the manifest has every field, of the right kind, that the code relies on."""
    where = folder / MANIFEST
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else None
        raise BundleError(f"{where}: schema {found!r}, but this version reads {SCHEMA}; update conviqt")
    try:
        architecture = manifest["architecture"]
        for key, allowed in _SUPPORTED.items():
            if architecture[key] not in allowed:
                raise BundleError(f"{where}: {key} {architecture[key]!r} is not supported by this version")
        if manifest["clip_length"] != 16 or manifest["scales"] != [1.0, 0.5]:
            raise BundleError(f"{where}: clips of {manifest['clip_length']} at {manifest['scales']} are not supported")
        normalisation = manifest["normalisation"]
        sound = normalisation is None or all(
            len(normalisation[key]) == 3 and all(isinstance(value, float) for value in normalisation[key])
            for key in ("mean", "std")
        )
        sound = sound and isinstance(manifest["name"], str) and isinstance(manifest["version"], str)
        for role in ("spatial", "temporal"):
            sound = sound and role in manifest["files"]
        plans = manifest.get("picture_plans", {})
        sound = sound and all(isinstance(key, str) and isinstance(value, str) for key, value in plans.items())
        for entry in manifest["files"].values():
            # A file name, never a path: a bundle cannot point outside its folder.
            sound = sound and Path(entry["name"]).name == entry["name"] and isinstance(entry["bytes"], int)
            sound = sound and re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) is not None
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{where}: incomplete or damaged manifest ({error!r})") from None
    if not sound:
        raise BundleError(f"{where}: incomplete or damaged manifest")
