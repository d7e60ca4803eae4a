"""What is wrong with the picture: the likely family of distortion of a clip, and how far it has gone.

A linear probe on the frozen clip vector. One weight vector a family gives the logits of a softmax over families
(multinomial logistic regression); a second one a family estimates the level on the distortion bank's scale, 0 (none)
to 5 (severe), and is used when its family wins. Probing frozen features linearly is how CONTRIQUE and CONVIQT show
that theirs know distortions apart (Madhusudana et al., "Image quality assessment using contrastive learning", IEEE TIP
2022, and "CONVIQT", IEEE TIP 2023).

What a diagnosis is worth: the head knows the bank's families and nothing else, and must name one of them; its
probabilities are calibrated for clips spoilt as the bank spoils them, every family equally common. A real video may
have several distortions or one that the bank lacks. Hence the wording: "looks like", with the probability, and
"cause unclear" below :data:`CLEAR`.

A head is one safetensors file, part of a bundle. Nothing in it can execute.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import BundleError
from conviqt_cli.quality.families import CLEAN, OTHER, merged, named
from conviqt_cli.quality.regressor import WHOLE
from conviqt_cli.quality.tensor_file import Tensors, read_tensors, write_tensors

FORMAT = "conviqt-diagnosis/1"


#: The family of clips without distortion; every head has it. Its level is 0.
PRISTINE = "pristine"

#: The level of the worst distortion in the bank.
WORST_LEVEL = 5.0

#: Below this probability of the likeliest family, people are told "cause unclear"; programs get the numbers anyway.
CLEAR = 0.5

#: A distortion of a lower level is no more than a trace.
TRACE = 0.5

#: How many families a diagnosis names beside the likeliest.
OTHER_COUNT = 2

#: What a family may be called: the name goes to terminals and into CSV cells as it is.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _/+-]{0,39}")


@dataclass(frozen=True)
class Candidate:
    """A family of distortion and its ``probability``, 0 to 1."""

    family: str
    probability: float


@dataclass(frozen=True)
class Diagnosis:
    """What a clip looks like.

    ``family`` is the likeliest family of distortion as :mod:`.families` names it, ``clean`` for none and ``other`` for
    what has no name; ``probability`` is its, 0 to 1, among the families the head knows. ``level`` is the estimate on
    the distortion bank's scale, 0 (none) to 5 (severe), not rounded, given that the family is right. ``others`` are
    the next likeliest families, likeliest first. ``needed`` is the probability from which on it is named to people.
    """

    family: str
    level: float
    probability: float
    others: tuple[Candidate, ...] = ()
    needed: float = CLEAR

    @property
    def clear(self) -> bool:
        """Whether the likeliest family is likely enough to be named to people, and has a name."""
        return self.probability >= self.needed and self.family != OTHER

    @property
    def cause(self) -> str | None:
        """The family, where it is clear and more than a trace; ``None`` for a clean clip, too."""
        return self.family if self.clear and self.family != CLEAN and self.level >= TRACE else None

    @property
    def text(self) -> str:
        """For people: ``looks like blur, level 3 of 5 (62 %)``, ``cause unclear``, or nothing where it is clean."""
        if not self.clear:
            return "cause unclear"
        if self.family == CLEAN:
            return ""
        share = f"({min(99, round(100 * self.probability))} %)"
        if self.level < TRACE:
            return f"looks like a trace of {self.family} {share}"
        return f"looks like {self.family}, level {int(self.level + 0.5)} of {WORST_LEVEL:.0f} {share}"


@dataclass(frozen=True)
class DiagnosisHead:
    """Names family and level of distortion from clip vectors of d values.

    ``families`` are k names, :data:`PRISTINE` among them. ``family_coef`` (k, d) and ``family_bias`` (k,) give the
    logits of their probabilities, ``level_coef`` (k, d) and ``level_bias`` (k,) the level given each family.
    ``encoder_id`` and ``picture`` name the encoder and the picture plan whose vectors it was fitted on. ``card`` is
    free JSON: figures, counts, settings.
    """

    families: tuple[str, ...]
    family_coef: Floats
    family_bias: Floats
    level_coef: Floats
    level_bias: Floats
    encoder_id: str
    card: dict[str, Any] = field(default_factory=dict)
    picture: str = WHOLE

    @property
    def width(self) -> int:
        """Values in a clip vector."""
        return int(self.family_coef.shape[1])

    def probabilities(self, vectors: Floats) -> NDArray[np.float64]:
        """Probability of each family: (n, d) to (n, k), rows summing to 1, columns as in :attr:`families`.

        Raises :class:`BundleError` when the vectors are of another width or not finite.
        """
        return softmax(self._checked(vectors) @ self.family_coef.astype(np.float64).T + self.family_bias)

    def levels(self, vectors: Floats) -> NDArray[np.float64]:
        """Level given each family: (n, d) to (n, k), 0 to 5, columns as in :attr:`families`; raises as above."""
        raw = self._checked(vectors) @ self.level_coef.astype(np.float64).T + self.level_bias
        return np.asarray(np.clip(raw, 0.0, WORST_LEVEL))

    def diagnose(self, vectors: Floats, intact: bool = True) -> list[Diagnosis]:
        """The diagnosis of each clip, from vectors (n, d), in people's families; raises as :meth:`probabilities` does.

        ``intact`` says that the stream was decoded without loss, so that there can be no packet loss.
        """
        chances, levels = self.probabilities(vectors), self.levels(vectors)
        names, merged_chances, places = merged(named(self.families, intact), chances)
        found = []
        for chance, level, own in zip(merged_chances, levels, chances, strict=True):
            first, *rest = np.argsort(-chance, kind="stable")[: 1 + OTHER_COUNT]
            likeliest = places[first][own[places[first]].argmax()]
            others = tuple(Candidate(names[index], float(chance[index])) for index in rest)
            found.append(Diagnosis(names[first], float(level[likeliest]), float(chance[first]), others))
        return found

    def for_encoder(self, encoder_id: str, picture: str = WHOLE) -> DiagnosisHead:
        """The same function declared to belong to ``encoder_id`` and a picture plan, as a bundle is put together."""
        return replace(self, encoder_id=encoder_id, picture=picture)

    def save(self, path: Path) -> None:
        """Write the head to one safetensors file, weights as float32; raises :class:`BundleError`."""
        tensors = {name: np.asarray(getattr(self, name), dtype=np.float32) for name in _TENSORS}
        header = {
            "families": list(self.families),
            "encoder_id": self.encoder_id,
            "picture": self.picture,
            "card": self.card,
        }
        try:
            write_tensors(path, FORMAT, header, tensors)
        except (SafetensorError, OSError) as error:
            raise BundleError(f"{path}: cannot write the diagnosis head ({error})") from None

    @classmethod
    def load(cls, path: Path) -> DiagnosisHead:
        """Read what :meth:`save` wrote.

        Raises :class:`BundleError` when the file is missing, truncated, not a diagnosis head, or its parts do not fit
        together or are not finite.
        """
        try:
            metadata, tensors = read_tensors(path)
        except FileNotFoundError:
            raise BundleError(f"{path}: no such diagnosis head") from None
        except (SafetensorError, OSError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: not a diagnosis head, or damaged ({error}); install the bundle again") from None
        if metadata.get("format") != FORMAT:
            raise BundleError(
                f"{path}: not a diagnosis head, although it holds tensors (format {metadata.get('format')!r})"
            )
        try:
            header = json.loads(metadata["header"])
            families = tuple(header["families"])
            encoder_id, card = str(header["encoder_id"]), dict(header["card"])
            picture = str(header.get("picture", WHOLE))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: damaged header of the diagnosis head ({error!r})") from None
        problem = name_problem(families) or _tensor_problem(tensors, len(families))
        if problem:
            raise BundleError(f"{path}: damaged diagnosis head ({problem})")
        return cls(
            families, **{name: tensors[name] for name in _TENSORS}, encoder_id=encoder_id, card=card, picture=picture
        )

    def _checked(self, vectors: Floats) -> NDArray[np.float64]:
        checked: NDArray[np.float64] = np.asarray(vectors, dtype=np.float64)
        if checked.ndim != 2 or checked.shape[1] != self.width:
            raise BundleError(f"the diagnosis head expects vectors of {self.width} values, got shape {checked.shape}")
        if not np.isfinite(checked).all():
            raise BundleError("the vectors contain values that are not finite, so there is no diagnosis")
        return checked


#: The fields of a head that are arrays.
_TENSORS = ("family_coef", "family_bias", "level_coef", "level_bias")


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities of logits, over the last axis."""
    powers = np.exp(np.asarray(logits, dtype=np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def name_problem(families: Sequence[Any]) -> str | None:
    """What is wrong with these names of families, if anything is."""
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in families):
        return "a family's name is not one"
    if len(set(families)) != len(families) or len(families) < 2:
        return f"{len(families)} families, {len(set(families))} different ones"
    return None if PRISTINE in families else f"no family {PRISTINE!r}"


def _tensor_problem(tensors: Tensors, count: int) -> str | None:
    missing = [name for name in _TENSORS if name not in tensors]
    if missing:
        return f"no {missing[0]}"
    width = tensors["family_coef"].shape[-1:]
    for name in _TENSORS:
        array = tensors[name]
        if array.shape != ((count, *width) if name.endswith("coef") else (count,)) or array.size == 0:
            return f"{name} of shape {array.shape} for {count} families"
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            return f"{name} holds values that are not finite numbers"
    return None
