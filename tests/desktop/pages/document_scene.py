"""The Documents page on the screen over a real backend, for its tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from backend_core.backend import Backend
from backend_core.errors import DatabaseAway
from desktop.pages.documents.details import Details
from desktop.pages.documents.page import DocumentsPage
from tests.desktop.conftest import Desk

PAGES = (
    "The board approved the programme in March. Every document carries an audio edition within one working day.",
    "A second page says a little more. It ends soon.",
)
HOSTILE = '<img src="file:///etc/hostname"> & <b>bold</b>'
LAST_S = 0.3
"""What makes an answer come after all others."""
Wait = Callable[..., None]
RunJobs = Callable[[], None]


class Switchable:
    """A backend whose database can be taken away, and one of whose services can be made to answer last."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.away = False
        self.last = ""

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise DatabaseAway("The database does not answer.")
        if name == self.last:
            time.sleep(LAST_S)
        return getattr(self._backend, name)


@dataclass
class Scene:
    """A page on the screen with everything around it."""

    backend: Switchable
    desk: Desk
    page: DocumentsPage = field(init=False)
    undos: list[Callable[[], object]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """What the list shows, from the top."""
        return [line.document.title for line in self.page.table.rows]

    @property
    def details(self) -> Details:
        """What the drawer shows."""
        assert self.page.drawer.details is not None
        return self.page.drawer.details


def drop(page: DocumentsPage, *paths: Path) -> None:
    """Let files fall on the page."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def opened(made: Scene, wait_until: Wait, title: str = "Sample") -> Details:
    """Open the drawer of a document and wait for it."""
    line = next(line for line in made.page.table.rows if line.document.title == title)
    made.page.open_document(line.id)
    wait_until(lambda: made.page.drawer.details is not None and made.page.drawer.details.document.id == line.id)
    return made.details


def generated(made: Scene, run_jobs: RunJobs, wait_until: Wait) -> None:
    """Press Generate and let the jobs run."""
    panel = made.page.drawer.pages.panel
    wait_until(panel.generate.isEnabled)
    panel.generate.click()
    wait_until(lambda: made.details.open_jobs)
    run_jobs()
    wait_until(lambda: not made.details.open_jobs and all(line.audio.status == "COMPLETED" for line in made.details.audios))
