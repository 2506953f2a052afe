"""Boundaries of what is open: read, set and lifted, each in its own container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.memory.boundary_panel import BoundaryLine
from desktop.pages.memory.drawer import BOUNDARIES
from desktop.pages.memory.lines import Place

if TYPE_CHECKING:
    from backend_core.memory.forget_records import Boundary
    from desktop.pages.memory.page import MemoryPage


class Bounds(QObject):
    """The boundaries panel of the drawer."""

    def __init__(self, page: MemoryPage) -> None:
        super().__init__(page)
        self._page = page
        panel = page.drawer.boundaries
        panel.add_wanted.connect(self.add)
        panel.lift_wanted.connect(self.lift)

    def open(self) -> None:
        """Show what is in force."""
        page = self._page
        if page.opened is None:
            return
        page.show_panel(BOUNDARIES, tr("Boundaries"), page.opened.subject.name)
        self.read()

    def read(self) -> None:
        """Read every open container's boundaries."""
        page = self._page
        opened, backend = page.opened, page.context.backend
        if opened is None:
            return
        page.context.background.run(
            page, lambda: _read(backend, page.actor(), opened.places), self._show, page.drawer.show_failure, key="boundaries"
        )

    def add(self, place_key: str, kind: str, topic: str) -> None:
        """Set a boundary in one conversation."""
        page = self._page
        place, backend = page.place_of(place_key), page.context.backend
        if place is not None:
            words = tr("Set in {place} only.", place=place.said)
            page.act(lambda: backend.forgetting.add_boundary(place.where, kind, topic, actor=page.actor()), lambda _: self._changed(words))

    def lift(self, line: BoundaryLine) -> None:
        """End a boundary; the toast can set it again."""
        page, backend = self._page, self._page.context.backend

        def lifted(_boundary: object) -> None:
            again = (lambda: self.add(line.place.key, line.kind, line.topic)) if line.kind in {"hide", "never"} else None
            page.context.notify(tr("Lifted in {place}.", place=line.place.said), undo=again)
            self.read()

        page.act(lambda: backend.forgetting.lift_boundary(line.place.where, line.value, actor=page.actor()), lifted)

    def _changed(self, words: str) -> None:
        self._page.context.notify(words)
        self.read()

    def _show(self, lines: tuple[BoundaryLine, ...]) -> None:
        page = self._page
        if page.opened is not None:
            page.count_reads(len(page.opened.places))
            editable = may(page.context.actor.role, "boundary.edit")
            page.drawer.boundaries.show_lines(lines, page.opened.places, editable=editable)


def _read(backend: Any, actor: Any, places: tuple[Place, ...]) -> tuple[BoundaryLine, ...]:
    found = []
    for place in places:
        rows: tuple[Boundary, ...] = backend.forgetting.boundaries(place.where, actor=actor)
        found += [BoundaryLine(str(one.id), place, one.kind, one.topic, one.set_by, one.created_at, one.id) for one in rows]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))
