"""Read the coefficients out of a pickled scikit-learn ``Ridge`` without running anything from the pickle.

A pickle is a program. Here every name that it may ask for is replaced by an inert stand-in that only records what it
was given; any other name is refused. So neither scikit-learn nor numpy code is run, and files of versions that today's
scikit-learn cannot open (0.23, 0.24) are read all the same.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import RegressorError

#: Far more than a ridge of a few thousand coefficients takes.
MAX_BYTES = 64 << 20


class _Ridge:
    """Stands for the estimator; keeps its attributes."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state)


class _Dtype:
    """Stands for ``numpy.dtype``: its code and byte order, numbers only."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = str(code).lstrip("<>|=")
        if self.code not in ("f4", "f8", "i4", "i8"):
            raise pickle.UnpicklingError(f"an array of type {code!r}, not of numbers")
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"

    def read(self, raw: bytes) -> NDArray[Any]:
        return np.frombuffer(raw, dtype=np.dtype(self.order + self.code))


class _Array:
    """Stands for ``numpy.ndarray`` under reconstruction."""

    def __init__(self, *_: Any) -> None:
        self.values: NDArray[Any] = np.empty(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        values = dtype.read(raw)
        self.values = values.reshape(shape, order="F" if fortran else "C")


def _from_buffer(raw: Any, dtype: _Dtype, shape: Any, order: str) -> _Array:
    """How pickle protocol 5 spells an array."""
    array = _Array()
    array.values = dtype.read(bytes(raw)).reshape(shape, order="F" if order == "F" else "C")
    return array


def _scalar(dtype: _Dtype, raw: bytes) -> float:
    return float(dtype.read(raw)[0])


def _encode(text: str, encoding: str) -> bytes:
    """How old pickle protocols spell bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r}")
    return text.encode("latin1")


def _rebuild(cls: type[_Ridge], *_: Any) -> _Ridge:
    """How old pickle protocols spell an object without arguments."""
    if cls is not _Ridge:
        raise pickle.UnpicklingError("an object of another kind")
    return _Ridge()


_ALLOWED: dict[tuple[str, str], Any] = {
    ("sklearn.linear_model._ridge", "Ridge"): _Ridge,
    ("sklearn.linear_model.ridge", "Ridge"): _Ridge,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
    ("copyreg", "_reconstructor"): _rebuild,
    ("copy_reg", "_reconstructor"): _rebuild,
    ("builtins", "object"): object,
    ("__builtin__", "object"): object,
}


class _Reader(pickle._Unpickler):
    """The pure-Python unpickler (its behaviour on stand-ins is exact), with the allow-list in front of every name."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it imports {module}.{name}, which a ridge does not need") from None


def read_ridge(path: Path) -> tuple[NDArray[np.float64], float, dict[str, Any]]:
    """Coefficients (features,), intercept, and plain facts (``alpha``, ``sklearn_version``) of a pickled ``Ridge``.

    Raises :class:`RegressorError` for anything but a fitted single-output ridge; nothing in the file is executed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RegressorError(f"{path}: too large for a pickled ridge regressor")
        with path.open("rb") as file:
            found = _Reader(file).load()
    except FileNotFoundError:
        raise RegressorError(f"{path}: no such file") from None
    except RegressorError:
        raise
    except Exception as error:  # a hostile or damaged pickle can raise anything; all of it means "refused"
        raise RegressorError(f"{path}: refused, not a pickled scikit-learn Ridge ({error})") from None
    if not isinstance(found, _Ridge) or "coef_" not in found.state:
        raise RegressorError(f"{path}: refused, not a fitted scikit-learn Ridge")
    coef = _numbers(path, found.state["coef_"]).reshape(-1)
    intercept = _numbers(path, found.state.get("intercept_", 0.0)).reshape(-1)
    if intercept.size != 1 or not np.isfinite(coef).all() or not np.isfinite(intercept).all():
        raise RegressorError(f"{path}: refused, not a ridge with a single finite output")
    facts = {
        "alpha": found.state.get("alpha") if isinstance(found.state.get("alpha"), (int, float)) else None,
        "sklearn_version": str(found.state.get("_sklearn_version", "unknown")),
    }
    return coef, float(intercept[0]), facts


def _numbers(path: Path, value: Any) -> NDArray[np.float64]:
    if isinstance(value, _Array):
        value = value.values
    if not isinstance(value, (int, float, np.ndarray)):
        raise RegressorError(f"{path}: refused, its coefficients are not numbers")
    return np.asarray(value, dtype=np.float64)
