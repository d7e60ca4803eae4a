"""The two networks, the backends that run them, weight bundles, and the import of published files.

:func:`open_encoder` and :func:`devices` are the only way to a backend; they are imported on first use, since PyTorch
takes a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conviqt_cli.model.backends import devices, open_encoder

__all__ = ["devices", "open_encoder"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from conviqt_cli.model import backends

        return getattr(backends, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
