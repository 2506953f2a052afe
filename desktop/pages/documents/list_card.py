"""The card around a list: no header, content up to the border."""

from __future__ import annotations

from desktop.widgets.card import Card
from desktop.widgets.layout import Item


def list_card(*items: Item) -> Card:
    """Return a card that holds ``items`` below each other."""
    return Card(flush=True).add(*items)
