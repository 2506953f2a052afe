"""A card whose badge says how its figures are, and how old they are once nobody can read newer ones."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop.widgets.badge import Badge
from desktop.widgets.card import Card


class LiveCard(Card):
    """A card with a state badge at the right end of its header.

    Args:
        title: plain words.
        icon_name: shown before the title.
        right: widgets before the badge.
        flush: the body touches the border.
    """

    def __init__(self, title: str, *, icon_name: str, right: tuple[QWidget, ...] = (), flush: bool = False) -> None:
        state = Badge()
        super().__init__(title, icon_name=icon_name, right=(*right, state), flush=flush)
        self.state = state
        self._words, self._tone, self._unknown, self._age = "", "none", False, ""

    def show_words(self, words: str, tone: str = "none", *, unknown: bool = False) -> None:
        """Say how the figures are; empty words say nothing."""
        self._words, self._tone, self._unknown = words, tone, unknown
        self._show_badge()

    def show_age(self, words: str) -> None:
        """Mark the figures as old in ``words`` (for example "12 s old"); empty when they are current."""
        if words != self._age:
            self._age = words
            self._show_badge()

    @property
    def stale(self) -> bool:
        """Whether the figures are marked as old."""
        return bool(self._age)

    def _show_badge(self) -> None:
        if self._age:
            self.state.show_state(self._age, unknown=True)
        else:
            self.state.show_state(self._words, self._tone, unknown=self._unknown)
