"""A container as a file: exported with its manifest, and imported back without a way into another one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu

from desktop.i18n import tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.words import memories
from desktop.widgets.file_dialog import ask_file, ask_source

if TYPE_CHECKING:
    from desktop.pages.memory.page import MemoryPage


class Files(QObject):
    """Asks which container and which file, then exports or imports."""

    def __init__(self, page: MemoryPage) -> None:
        super().__init__(page)
        self._page = page
        self.dialog: QFileDialog | None = None

    def ask_export(self) -> None:
        """Ask which container goes where."""
        self._for_place(self._ask_target)

    def ask_import(self) -> None:
        """Ask which file comes into which container."""
        self._for_place(self._ask_source)

    def export_to(self, place: Place, path: Path) -> None:
        """Write one container to ``path``; the manifest lies beside it."""
        page, backend = self._page, self._page.context.backend

        def work() -> int:
            actor = page.actor()
            with backend.memory.scope(place.where, actor=actor, action="memory.export") as memory:
                manifest = memory.export(path)
            return int(manifest.memories)

        def done(count: int) -> None:
            page.count_reads(1)
            page.context.notify(tr("{what} exported to {name}.", what=memories(count), name=path.name))

        page.act(work, done)

    def import_from(self, place: Place, path: Path) -> None:
        """Read an exported file into the container it says it belongs to, which must be this one."""
        page, backend = self._page, self._page.context.backend

        def work() -> int:
            with backend.memory.scope(place.where, actor=page.actor(), action="memory.import") as memory:
                return int(memory.import_(path).added)

        def done(count: int) -> None:
            page.context.notify(tr("{what} imported into {place}.", what=memories(count), place=place.said))
            page.reopen()

        page.act(work, done)

    def _for_place(self, go: Callable[[Place], object]) -> None:
        opened = self._page.opened
        if opened is None:
            return
        if len(opened.places) == 1:
            go(opened.places[0])
            return
        menu = QMenu(self._page)
        menu.aboutToHide.connect(menu.deleteLater)
        for place in opened.places:
            menu.addAction(place.caption.replace("&", "&&"), partial(go, place))
        button = self._page.head.export
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _ask_target(self, place: Place) -> None:
        title, kinds = tr("Export {place}", place=place.caption), {tr("Memory export (*.zip)"): "zip"}
        self.dialog = ask_file(self._page, title, kinds=kinds, name="memory", on_chosen=partial(self.export_to, place))

    def _ask_source(self, place: Place) -> None:
        title, filters = tr("Import into {place}", place=place.caption), [tr("Memory export (*.zip)")]
        self.dialog = ask_source(self._page, title, filters=filters, on_chosen=partial(self.import_from, place))
