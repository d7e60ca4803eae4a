"""From clip vectors to quality: regressors and their file.

A regressor file is one safetensors file: tensors, and a JSON card in the header. Nothing in it can execute. Beside the
regressor itself it may hold what is needed to say how far a score can be trusted: :class:`.intervals.Intervals` and
:class:`.novelty.Novelty`. Files without them are read with both ``None``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import RegressorError
from conviqt_cli.quality.intervals import METHOD, Intervals
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.scale import Scale
from conviqt_cli.quality.tensor_file import Tensors, read_tensors, write_tensors

FORMAT = "conviqt-regressor/1"

#: The picture plan of vectors that all pixels went into.
WHOLE = "whole"


class Regressor(Protocol):
    """What scoring needs of a regressor, whatever its kind.

    A video's quality is the mean of its clips' predictions, or another pooling of them. Fitting and evaluation use the
    same order: predict each clip, then average. For a linear regressor that equals predicting the mean vector.
    """

    @property
    def scale(self) -> Scale:
        """Range and direction of what :meth:`predict` returns."""

    @property
    def encoder_id(self) -> str:
        """The encoder whose vectors it was fitted on."""

    @property
    def picture(self) -> str:
        """The picture plan of those vectors: which pixels of a frame went into them, :data:`WHOLE` for all."""

    @property
    def card(self) -> dict[str, Any]:
        """Free JSON: label source, counts, metrics, date."""

    @property
    def intervals(self) -> Intervals | None:
        """Prediction intervals, if calibrated."""

    @property
    def novelty(self) -> Novelty | None:
        """The region it was fitted on, if known."""

    def predict(self, vectors: Floats) -> NDArray[np.float64]:
        """Quality of each vector: (n, features) to (n,), in scale units, not clipped to the scale's ends."""

    def for_encoder(self, encoder_id: str, picture: str = WHOLE) -> Regressor:
        """The same function declared to belong to ``encoder_id`` and a picture plan."""

    def save(self, path: Path) -> None:
        """Write it to one safetensors file."""


@dataclass(frozen=True)
class LinearRegressor:
    """Quality as an affine function of the clip vector (CONVIQT, section III-D: ridge regression).

    ``coef`` has shape (features,); ``encoder_id`` names the encoder whose vectors it was fitted on
    (see :attr:`conviqt_cli.model.bundle.Bundle.encoder_id`). ``card`` is free JSON: label source, counts, metrics,
    date. Being linear, the mean of clip scores is the score of the mean vector.
    """

    coef: Floats
    intercept: float
    scale: Scale
    encoder_id: str
    card: dict[str, Any] = field(default_factory=dict)
    intervals: Intervals | None = None
    novelty: Novelty | None = None
    picture: str = WHOLE

    def predict(self, vectors: Floats) -> NDArray[np.float64]:
        """Quality of each vector: (n, features) to (n,), in scale units, not clipped to the scale's ends.

        Raises :class:`RegressorError` when the vectors are of another width or not finite.
        """
        return np.asarray(
            _checked(vectors, self.coef.shape[0]) @ self.coef.astype(np.float64) + self.intercept, dtype=np.float64
        )

    def for_encoder(self, encoder_id: str, picture: str = WHOLE) -> LinearRegressor:
        """The same function declared to belong to ``encoder_id`` and a picture plan, as a bundle is put together."""
        return replace(self, encoder_id=encoder_id, picture=picture)

    def save(self, path: Path) -> None:
        """Write the regressor to one safetensors file."""
        tensors = {"coef": self.coef, "intercept": np.array([self.intercept])}
        _save(self, "linear", tensors, path)


@dataclass(frozen=True)
class SvrRegressor:
    """Epsilon support vector regression with a radial kernel, the literature's regressor for hand-made features.

    Each feature is scaled to ``(vector - offset) * factor`` (to [0, 1] on the fitting set); the quality is
    ``sum_i dual_i exp(-gamma |x - support_i|²) + intercept``. ``support`` (m, features) is in scaled units; ``dual``
    (m,) and ``intercept`` are in label units. Not linear: clips are predicted one by one, then averaged.
    """

    support: Floats
    dual: Floats
    intercept: float
    gamma: float
    offset: Floats
    factor: Floats
    scale: Scale
    encoder_id: str
    card: dict[str, Any] = field(default_factory=dict)
    intervals: Intervals | None = None
    novelty: Novelty | None = None
    picture: str = WHOLE

    def predict(self, vectors: Floats) -> NDArray[np.float64]:
        """Quality of each vector: (n, features) to (n,), in scale units, not clipped to the scale's ends.

        Raises :class:`RegressorError` when the vectors are of another width or not finite.
        """
        scaled = (_checked(vectors, self.offset.shape[0]) - self.offset) * self.factor
        squared = (scaled**2).sum(axis=1)[:, None] + (self.support**2).sum(axis=1) - 2.0 * scaled @ self.support.T
        kernel = np.exp(-self.gamma * np.maximum(squared, 0.0))
        return np.asarray(kernel @ self.dual + self.intercept, dtype=np.float64)

    def for_encoder(self, encoder_id: str, picture: str = WHOLE) -> SvrRegressor:
        """The same function declared to belong to ``encoder_id`` and a picture plan, as a bundle is put together."""
        return replace(self, encoder_id=encoder_id, picture=picture)

    def save(self, path: Path) -> None:
        """Write the regressor to one safetensors file."""
        tensors = {
            "support": self.support,
            "dual": self.dual,
            "intercept": np.array([self.intercept]),
            "gamma": np.array([self.gamma]),
            "offset": self.offset,
            "factor": self.factor,
        }
        _save(self, "svr", tensors, path)


def load_regressor(path: Path) -> LinearRegressor | SvrRegressor:
    """Read a regressor file of either kind.

    Raises :class:`RegressorError` when the file is missing, truncated, not a regressor, or holds values that are
    not finite.
    """
    try:
        metadata, tensors = read_tensors(path)
    except FileNotFoundError:
        raise RegressorError(f"{path}: no such regressor file") from None
    except (SafetensorError, OSError) as error:
        raise RegressorError(
            f"{path}: not a regressor file, or damaged ({error}); "
            "make one with `conviqt fit-regressor`, or import a published one with `conviqt weights import`"
        ) from None
    if metadata.get("format") != FORMAT:
        raise RegressorError(
            f"{path}: not a conviqt regressor, although it holds tensors (format {metadata.get('format')!r})"
        )
    try:
        header = json.loads(metadata["header"])
        if header["kind"] not in _READERS:
            raise RegressorError(f"{path}: regressor of kind {header['kind']!r}, which this version cannot read")
        common = {
            "scale": Scale.from_dict(header["scale"]),
            "encoder_id": str(header["encoder_id"]),
            "card": dict(header["card"]),
            # Files from before there was a choice are of whole pictures.
            "picture": str(header.get("picture", WHOLE)),
            "intervals": Intervals.from_tensors(tensors),
        }
        return _READERS[header["kind"]](tensors, common)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RegressorError(f"{path}: damaged regressor header ({error!r})") from None
    except RegressorError as error:
        text = str(error)
        raise RegressorError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def check_belongs(regressor: Regressor, encoder_id: str, source: str, picture: str | None = None) -> None:
    """Raise :class:`RegressorError` when ``regressor`` was fitted on another encoder or picture plan than these.

    ``picture`` is the id of a picture plan; ``None`` accepts any.
    """
    if picture is not None and regressor.encoder_id == encoder_id and regressor.picture != picture:
        raise RegressorError(
            f"{source}: fitted on the picture plan {regressor.picture}, but the plan in use is {picture}; "
            "choose the matching picture plan, or fit a new regressor"
        )
    if regressor.encoder_id != encoder_id:
        raise RegressorError(
            f"{source}: fitted on encoder {regressor.encoder_id}, but the weights in use are encoder {encoder_id}; "
            "choose the matching weights, or fit a new one with `conviqt fit-regressor`",
            "weights",
        )


def _checked(vectors: Floats, width: int) -> NDArray[np.float64]:
    checked: NDArray[np.float64] = np.asarray(vectors, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[1] != width:
        raise RegressorError(f"the regressor expects vectors of {width} values, got an array of shape {checked.shape}")
    if not np.isfinite(checked).all():
        raise RegressorError("the vectors contain values that are not finite, so there is no score")
    return checked


def _save(regressor: Regressor, kind: str, own: Mapping[str, Floats], path: Path) -> None:
    header = {
        "kind": kind,
        "encoder_id": regressor.encoder_id,
        "picture": regressor.picture,
        "scale": regressor.scale.to_dict(),
        "card": regressor.card,
    }
    tensors: Tensors = {name: np.ascontiguousarray(value, dtype=np.float64) for name, value in own.items()}
    if regressor.intervals is not None:
        header["intervals"] = METHOD
        tensors |= regressor.intervals.to_tensors()
    if regressor.novelty is not None:
        tensors |= regressor.novelty.to_tensors()
    try:
        write_tensors(path, FORMAT, header, tensors)
    except (SafetensorError, OSError) as error:
        raise RegressorError(f"{path}: cannot write the regressor ({error})") from None


def _read_linear(tensors: Tensors, common: dict[str, Any]) -> LinearRegressor:
    coef, intercept = tensors["coef"], float(tensors["intercept"][0])
    if coef.ndim != 1 or not np.isfinite(coef).all() or not np.isfinite(intercept):
        raise RegressorError("damaged regressor (coefficients are not finite numbers)")
    return LinearRegressor(coef, intercept, **common, novelty=Novelty.from_tensors(tensors, len(coef)))


def _read_svr(tensors: Tensors, common: dict[str, Any]) -> SvrRegressor:
    support, dual, offset, factor = (tensors[name] for name in ("support", "dual", "offset", "factor"))
    intercept, gamma = float(tensors["intercept"][0]), float(tensors["gamma"][0])
    numbers = (support, dual, offset, factor, np.array([intercept, gamma]))
    shapes_agree = (
        support.ndim == 2
        and dual.shape == (support.shape[0],)
        and offset.shape == (support.shape[1],)
        and factor.shape == offset.shape
    )
    if not shapes_agree or gamma <= 0 or not all(np.isfinite(each).all() for each in numbers):
        raise RegressorError("damaged regressor (support vectors of different sizes, or not finite)")
    novelty = Novelty.from_tensors(tensors, len(offset))
    return SvrRegressor(support, dual, intercept, gamma, offset, factor, **common, novelty=novelty)


_READERS: dict[str, Callable[[Tensors, dict[str, Any]], LinearRegressor | SvrRegressor]] = {
    "linear": _read_linear,
    "svr": _read_svr,
}
