"""The one place that knows where ``resources/`` is, in a source checkout and in a bundle."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path


@cache
def _root() -> Path:
    bundle = getattr(sys, "_MEIPASS", None)
    return Path(bundle) / "resources" if bundle else Path(__file__).resolve().parents[2] / "resources"


def resource(name: str) -> Path:
    """Return the path of ``name`` below ``resources/``, for example ``icons/x.svg``.

    Raises:
        FileNotFoundError: the file is not part of this installation.
        ValueError: the name leads out of the folder.
    """
    root = _root()
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        message = "a resource name must stay inside the resources folder"
        raise ValueError(message)
    if not path.exists():
        raise FileNotFoundError(name)
    return path
