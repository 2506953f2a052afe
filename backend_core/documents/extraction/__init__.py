"""Text of untrusted documents, page by page, read in a child process with limits.

The names below are loaded on first use: the child imports this package too, and starts in half the time without its parent's side.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend_core.documents.extraction.kinds import kind_of
    from backend_core.documents.extraction.language import language_of
    from backend_core.documents.extraction.limits import Limits
    from backend_core.documents.extraction.reader import ExtractedPage, extract

__all__ = ["ExtractedPage", "Limits", "extract", "kind_of", "language_of"]

_HOMES = {"ExtractedPage": "reader", "Limits": "limits", "extract": "reader", "kind_of": "kinds", "language_of": "language"}


def __getattr__(name: str) -> object:
    """Load one of the public names."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
