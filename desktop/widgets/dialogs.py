"""Questions and messages in their own window; their text is always plain and Cancel is the default."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from backend_core.errors import LecternError
from desktop.i18n import tr
from desktop.widgets.button import Button, Kind
from desktop.widgets.field import Field
from desktop.widgets.label import IconTile, PlainLabel
from desktop.widgets.layout import column, row
from desktop.widgets.states import error_details

_WIDTH = 440


class Dialog(QDialog):
    """A window-modal sheet with a title, one sentence, content and buttons; it deletes itself when closed."""

    def __init__(self, parent: QWidget, title: str, sentence: str, *, icon_name: str = "info", tone: str = "info") -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH)
        self.heading = PlainLabel(title, "heading", wrap=True)
        self.sentence = PlainLabel(sentence, "muted", wrap=True)
        self.body = QVBoxLayout()
        """Where content between sentence and buttons goes."""
        self.body.setSpacing(8)
        self.buttons = row(None, gap=8)
        words = column(self.heading, self.sentence, gap=4)
        head = row(gap=12)
        head.addWidget(IconTile(icon_name, tone), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.setLayout(column(head, self.body, self.buttons, gap=16, margins=20))

    def add_button(self, caption: str, on_click: Callable[[], object], *, kind: Kind = "default", default: bool = False) -> Button:
        """Append a button; Enter presses the default one."""
        button = Button(caption, kind, on_click=on_click)
        button.setDefault(default)
        self.buttons.addWidget(button)
        return button


class Confirm(Dialog):
    """Asks before something is done; ``on_yes`` runs after the dialog has closed."""

    def __init__(
        self, parent: QWidget, title: str, sentence: str, *, action: str, on_yes: Callable[[], object], danger: bool = False
    ) -> None:
        super().__init__(parent, title, sentence, icon_name="triangle-alert" if danger else "info", tone="bad" if danger else "info")
        self._on_yes = on_yes
        self.cancel = self.add_button(tr("Cancel"), self.reject, default=True)
        self.go = self.add_button(action, self._say_yes, kind="danger" if danger else "primary")

    def _say_yes(self) -> None:
        self.accept()
        self._on_yes()


class ConfirmByTyping(Confirm):
    """Asks for something that cannot be undone: its button works only after ``expected`` was typed."""

    def __init__(self, parent: QWidget, title: str, sentence: str, *, expected: str, action: str, on_yes: Callable[[], object]) -> None:
        super().__init__(parent, title, sentence, action=action, on_yes=on_yes, danger=True)
        self._expected = expected.strip()
        self.field = Field(name=tr("Type the name to confirm"))
        self.field.textChanged.connect(self._compare)
        self.body.addWidget(PlainLabel(tr("Type this to confirm:"), "small"))
        self.body.addWidget(PlainLabel(self._expected, "monotext", wrap=True, selectable=True))
        self.body.addWidget(self.field)
        self._compare(self.field.text())
        self.field.setFocus()

    def _compare(self, typed: str) -> None:
        self.go.setEnabled(bool(self._expected) and " ".join(typed.split()) == " ".join(self._expected.split()))


def safe_message(parent: QWidget, title: str, sentence: str, *, tone: str = "info") -> Dialog:
    """Open a message without blocking and return it; ``tone`` is info, ok, warn or bad."""
    names = {"info": "info", "ok": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}
    dialog = Dialog(parent, title, sentence, icon_name=names[tone], tone=tone)
    dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog


def error_message(parent: QWidget, error: LecternError) -> Dialog:
    """Open the error with its advice, reference and Copy details, and return the dialog."""
    dialog = Dialog(parent, error.title, str(error), icon_name="circle-alert", tone="bad")
    dialog.body.addWidget(PlainLabel(error.next_step, "small", wrap=True))
    if error.correlation_id:
        dialog.body.addWidget(PlainLabel(tr("Reference {id}", id=error.correlation_id), "mono", selectable=True))

    details = error_details(error)
    dialog.add_button(tr("Copy details"), lambda: QGuiApplication.clipboard().setText(details))
    dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog
