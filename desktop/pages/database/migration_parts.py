"""What the migration tab opens: a drawer with statements, and the question why before they are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop.i18n import number, tr
from desktop.style import font
from desktop.widgets.button import Button
from desktop.widgets.dialogs import Dialog
from desktop.widgets.drawer import Drawer
from desktop.widgets.field import Field
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.schema_revisions import MigrationState

WIDTH: Final = 480
LONGEST_REASON: Final = 500
_MOST: Final = 6


class SqlDrawer(Drawer):
    """Statements to read and to copy."""

    copied = Signal()

    def __init__(self) -> None:
        super().__init__(width=WIDTH, scroll=False)
        self.lines: tuple[str, ...] = ()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Statements"))
        self.text.setFont(font(12, mono=True))
        self.text.document().setDocumentMargin(10)
        self.copy = Button(tr("Copy as SQL"), "primary", icon_name="copy", on_click=self._copy)
        self.count = PlainLabel("", "small")
        self.body.addWidget(self.text, 1)
        self.body.addLayout(row(self.copy, None, self.count))

    def show_sql(self, title: str, subtitle: str, lines: Sequence[str]) -> None:
        """Show ``lines``."""
        self.lines = tuple(lines)
        self.show_titles(title, subtitle)
        self.text.setPlainText("\n".join(self.lines))
        self.count.setText(tr("{n} lines", n=number(len(self.lines))))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.lines) + "\n")
        self.copied.emit()


class MigrateDialog(Dialog):
    """``on_reason`` gets the reason; the migration begins after the dialog has closed."""

    def __init__(self, parent: QWidget, state: MigrationState, *, embedded: bool, on_reason: Callable[[str], object]) -> None:
        super().__init__(
            parent, tr("Migrate to {head}", head=state.head), _sentence(embedded=embedded), icon_name="git-branch", tone="warn"
        )
        self._on_reason = on_reason
        names: list[QWidget] = [ElidedLabel(f"{one.id}  {one.title}", size=12) for one in state.pending[:_MOST]]
        if len(state.pending) > _MOST:
            names.append(PlainLabel(tr("and {n} more", n=number(len(state.pending) - _MOST)), "small"))
        self.body.addWidget(holder(column(*names, gap=4, margins=12), name="inset"))
        self.reason = Field(name=tr("Reason"), hint=tr("Why now, for example a ticket"))
        self.reason.setMaxLength(LONGEST_REASON)
        self.body.addWidget(PlainLabel(tr("Reason"), "strong"))
        self.body.addWidget(self.reason)
        self.add_button(tr("Cancel"), self.reject, default=True)
        self.go = self.add_button(tr("Migrate"), self._take, kind="primary")
        self.reason.textChanged.connect(lambda words: self.go.setEnabled(bool(words.strip())))
        self.go.setEnabled(False)
        self.reason.setFocus()

    def _take(self) -> None:
        words = " ".join(self.reason.text().split())
        self.accept()
        self._on_reason(words)


def _sentence(*, embedded: bool) -> str:
    if embedded:
        return tr("A backup is made first; without it nothing is changed. Other windows and the worker wait meanwhile.")
    return tr("The statements run as the owner of the tables. If this sign-in may not do that, you get what the owner must run.")
