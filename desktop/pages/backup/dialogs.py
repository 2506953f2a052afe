"""What the backup page shows in windows of its own: the recovery key, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from desktop.i18n import date_time, tr
from desktop.pages.backup.words import restore_command
from desktop.widgets.dialogs import Dialog
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder

if TYPE_CHECKING:
    from pathlib import Path

    from backend_core.backup.records import BackupRow, RecoveryKey

_GROUP: Final = 8


class KeyDialog(Dialog):
    """Shows the recovery key once; it is never put on the clipboard, where every program could read it."""

    def __init__(self, parent: QWidget, key: RecoveryKey, *, on_save: Callable[[], object], on_kept: Callable[[], object]) -> None:
        sentence = tr("Whoever has this key can open every backup. Write it down or save it, apart from this computer.")
        super().__init__(parent, tr("Recovery key {id}", id=key.key_id), sentence, icon_name="key-round", tone="warn")
        self._on_save, self._on_kept = on_save, on_kept
        self.key = PlainLabel(in_groups(key.identity), "monotext", wrap=True)
        self.key.setAccessibleName(tr("Recovery key"))
        self.body.addWidget(holder(column(self.key, margins=12), name="inset"))
        self.body.addWidget(PlainLabel(tr("Blanks and small letters do not matter when you type it."), "small"))
        self.add_button(tr("Close"), self.reject)
        self.add_button(tr("Save to file…"), self._save)
        self.kept = self.add_button(tr("I have written it down"), self._keep, kind="primary")

    def _save(self) -> None:
        self.accept()
        self._on_save()

    def _keep(self) -> None:
        self.accept()
        self._on_kept()


class RestoreDialog(Dialog):
    """Says how to bring one backup back: with Lectern closed, from a terminal."""

    def __init__(self, parent: QWidget, row: BackupRow, *, home: Path) -> None:
        sentence = tr("What is in the backup takes the place of what is here now; that is kept beside it.")
        super().__init__(parent, tr("Restore the backup of {when}", when=date_time(row.at)), sentence, icon_name="rotate-ccw", tone="warn")
        self.command = restore_command(row.path, home=home)
        for words in (
            tr("1. Close every window of Lectern."),
            tr("2. Type this in a terminal and wait until it is done:"),
        ):
            self.body.addWidget(PlainLabel(words))
        self.body.addWidget(
            holder(column(PlainLabel(_breakable(self.command), "monotext", wrap=True, selectable=True), margins=12), name="inset")
        )
        self.body.addWidget(PlainLabel(tr("3. Open Lectern again.")))
        self.body.addWidget(PlainLabel(tr("To take it back: lecternctl backups undo-restore"), "small"))
        self.add_button(tr("Copy the command"), self._copy)
        self.add_button(tr("Close"), self.accept, kind="primary", default=True)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.command)


def in_groups(identity: str) -> str:
    """Return a key in groups that an eye can follow.

    >>> in_groups("AGE-SECRET-KEY-1ABCDEFGHIJ")
    'AGE-SECRET-KEY-1 ABCDEFGH IJ'
    """
    head, body = identity[: identity.index("1") + 1], identity[identity.index("1") + 1 :]
    return " ".join([head, *(body[place : place + _GROUP] for place in range(0, len(body), _GROUP))])


def _breakable(path: str) -> str:
    # a long path has no blank at which a line could end
    return path.replace("/", "/\u200b")
