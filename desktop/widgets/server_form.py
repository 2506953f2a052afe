"""Where a server is and how to sign in to it, with a test that answers in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import tr
from desktop.widgets.asking import PasswordField, password_row
from desktop.widgets.field import Field, Select
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row

PORT: Final = "5432"
SYSTEM_ROOTS: Final = "system"
VERIFIED: Final = "verify-full"
_MOST_DIGITS: Final = 9
_MARKS: Final = {"ok": ("circle-check", "ok"), "warn": ("triangle-alert", "warn"), "bad": ("circle-x", "bad")}


class Finding(Protocol):
    """One line of a trial; see ``backend_core.profiles.trial.Finding``."""

    @property
    def status(self) -> str:
        """ok, warn or bad."""

    @property
    def sentence(self) -> str:
        """What was found."""


class Findings(QWidget):
    """What a trial found, one line each; nothing while there was none."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Result of the test"))
        self._lane = QVBoxLayout(self)
        self._lane.setContentsMargins(0, 0, 0, 0)
        self._lane.setSpacing(6)
        self.sentences: tuple[str, ...] = ()
        self.hide()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Replace what is shown."""
        self._show([(*_MARKS[one.status], one.sentence) for one in findings])

    def show_running(self) -> None:
        """Say that the answer is on its way."""
        self._show([("hourglass", "muted", tr("Asking the server…"))])

    def show_problem(self, sentence: str) -> None:
        """Say why nothing could be tried."""
        self._show([("circle-x", "bad", sentence)])

    def clear(self) -> None:
        """Forget what was found."""
        self._show([])

    def _show(self, lines: Sequence[tuple[str, str, str]]) -> None:
        clear_layout(self._lane)
        self.sentences = tuple(sentence for _, _, sentence in lines)
        for icon_name, tone, sentence in lines:
            line = row(gap=8)
            line.addWidget(IconLabel(icon_name, tone), 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(PlainLabel(sentence, "smalltext", wrap=True), 1)
            self._lane.addWidget(holder(line))
        if self.parent() is not None or not lines:
            self.setVisible(bool(lines))


class ServerForm(QWidget):
    """Server, login, password and protection; ``changed`` fires with every key."""

    changed = Signal()
    submitted = Signal()
    """Enter was pressed in a line."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Field(name=tr("Server"), hint="db.example.org")
        self.port = Field(name=tr("Port"), value=PORT)
        self.database = Field(name=tr("Database"), hint="lectern")
        self.user = Field(name=tr("Login"), hint=tr("Your login on the server"))
        self.password = PasswordField(name=tr("Password"))
        self.sslmode = Select(_modes(), name=tr("Protection"))
        self.sslrootcert = Field(name=tr("Certificate authority"), value=SYSTEM_ROOTS, hint=tr("system, or the full path of a file"))
        self.findings = Findings()
        self._build()
        for line in (self.host, self.port, self.database, self.user, self.password, self.sslrootcert):
            line.textChanged.connect(self._note)
            line.returnPressed.connect(self.submitted)
        self.sslmode.picked.connect(self._note)

    @property
    def complete(self) -> bool:
        """Whether there is something to try."""
        return all(line.text().strip() for line in (self.host, self.port, self.database, self.user))

    def values(self) -> dict[str, Any]:
        """Return what was entered, by the names of a profile; the password is not among it."""
        port, mode, roots = self.port.text().strip(), str(self.sslmode.current), self.sslrootcert.text().strip()
        # what is no number is left to be refused by whoever knows the bounds
        number = port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS
        return {
            "kind": "server",
            "host": self.host.text().strip(),
            "port": int(port) if number else port,
            "database": self.database.text().strip(),
            "user": self.user.text().strip(),
            "sslmode": mode,
            # the system's authorities vouch only where the name is checked too: libpq refuses anything less
            "sslrootcert": "" if roots == SYSTEM_ROOTS and mode != VERIFIED else roots,
        }

    def secret(self) -> str | None:
        """Return the password, None when none was entered."""
        return self.password.text() or None

    def fill(self, facts: Any, *, kept: bool) -> None:
        """Show a profile; ``kept`` tells that there is a password, which is never shown."""
        self.host.setText(facts.host)
        self.port.setText(str(facts.port))
        self.database.setText(facts.database)
        self.user.setText(facts.user)
        self.sslmode.choose(facts.sslmode)
        self.sslrootcert.setText(facts.sslrootcert)
        self.password.setPlaceholderText(tr("Kept; type to replace it") if kept else "")

    def _note(self) -> None:
        self.findings.clear()
        self.changed.emit()

    def _build(self) -> None:
        self.port.setMaximumWidth(96)
        lines = (
            row((_named(self.host), 1), _named(self.port), gap=12, stretch_height=True),
            row((_named(self.user), 1), (_named(self.database), 1), gap=12, stretch_height=True),
            column(PlainLabel(tr("Password"), "small"), password_row(self.password), gap=4),
            row((_named(self.sslmode), 1), (_named(self.sslrootcert), 1), gap=12, stretch_height=True),
        )
        self.setLayout(column(*lines, self.findings, gap=12))


def _named(field: QWidget) -> QWidget:
    return holder(column(PlainLabel(field.accessibleName(), "small"), field, gap=4))


def _modes() -> list[tuple[object, str]]:
    return [
        (VERIFIED, tr("Encrypted, server proves its name")),
        ("verify-ca", tr("This computer only: authority checked")),
        ("require", tr("This computer only: encrypted")),
        ("prefer", tr("This computer only: if offered")),
        ("disable", tr("This computer only: none")),
    ]
