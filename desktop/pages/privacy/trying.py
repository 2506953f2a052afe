"""How the picture grows while a run goes on: whose turn it is, and what was tried; what came of it is judged at the end."""

from __future__ import annotations

from typing import Final

from backend_core.privacy.contexts import ADMIN, CONTEXTS
from desktop.pages.privacy import picture as pic
from desktop.widgets.long_run import Step

HALF: Final = pic.TICKS // 2
"""A cell is tried twice: with the owner's words, and without them."""


class Trying:
    """Follows the steps of one run."""

    def __init__(self) -> None:
        self._viewers: list[str] = []
        self._owners: list[str] = []

    def follow(self, step: Step) -> pic.Picture:
        """Return the picture at ``step``."""
        viewer, owner = _viewer(step.words), _owner(step.words)
        if viewer and viewer not in self._viewers:
            self._viewers.append(viewer)
        if owner and owner not in self._owners:
            self._owners.append(owner)
        return pic.Picture(tuple(self._pair(a.code, b.code, viewer, owner) for a in CONTEXTS for b in CONTEXTS))

    def _pair(self, viewer: str, kept_in: str, row: str, column: str) -> pic.Pair:
        now = row == viewer or column == kept_in
        tried = (viewer in self._viewers) + (kept_in in self._owners)
        return pic.Pair(viewer, kept_in, pic.RUNNING if now else pic.WAITING, HALF * (tried - 1 if now else tried))


def _viewer(words: str) -> str:
    if words.startswith("An administrator"):
        return ADMIN
    return next((one.code for one in CONTEXTS if words.startswith(f"{one.title} ")), "")


def _owner(words: str) -> str:
    return next((one.code for one in CONTEXTS if f"“{one.title}”" in words), "")
