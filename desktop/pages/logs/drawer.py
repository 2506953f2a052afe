"""One log line with everything it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtGui import QGuiApplication

from desktop.i18n import date_time, tr
from desktop.pages.logs.words import STACK, everything, level_of, stack_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.logbook import LogEntry

WIDTH: Final = 420
_NAME_WIDTH: Final = 100


class LogDrawer(Drawer):
    """Shows one line; its buttons copy it, and go to what belongs to the same action."""

    copied = Signal()
    related_wanted = Signal(str)
    """Every log line of this correlation id."""
    audit_wanted = Signal(str)
    """The audit events of this correlation id."""

    def __init__(self) -> None:
        super().__init__(width=WIDTH)
        self.entry: LogEntry | None = None
        self.level = Badge("")
        self.words = PlainLabel("", "strong", wrap=True, selectable=True)
        self.facts = KeyValues(name_width=_NAME_WIDTH)
        self.more = KeyValues(name_width=_NAME_WIDTH)
        self.stack = PlainLabel("", "mono", wrap=True, selectable=True)
        self.stack_part = holder(column(over(tr("Stack, innermost first")), self.stack, gap=6))
        self.more_part = holder(column(over(tr("Fields")), self.more, gap=6))
        self.copy = Button(tr("Copy details"), icon_name="copy", on_click=self.copy_details)
        self.related = Button(tr("Same action"), icon_name="list-filter", on_click=lambda: self._go(self.related_wanted))
        self.audit = Button(tr("Find in audit log"), icon_name="scroll-text", on_click=lambda: self._go(self.audit_wanted))
        actions = holder(column(row(self.copy, self.related, None), row(self.audit, None), gap=8))
        for part in (holder(row(self.level, None)), self.words, self.facts, actions, self.more_part, self.stack_part):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_entry(self, entry: LogEntry) -> None:
        """Show ``entry``."""
        self.entry = entry
        _icon, word, tone = level_of(entry)
        self.level.show_state(word, tone)
        self.show_titles(tr("Log line"), tr("{process}, {time}", process=entry.process, time=date_time(entry.at)))
        self.words.setText(entry.event)
        operator = str(entry.operator_id) if entry.operator_id is not None else tr("none")
        correlation = entry.correlation_id or tr("none")
        time = entry.at.astimezone().isoformat(sep=" ", timespec="milliseconds")
        self.facts.set_facts(
            [
                Fact(tr("Time"), time),
                Fact(tr("Correlation"), correlation, mono=bool(entry.correlation_id)),
                Fact(tr("Operator"), operator),
                Fact(tr("Logged by"), entry.logger or tr("unknown"), mono=bool(entry.logger)),
            ]
        )
        facts = [Fact(name, value, mono=True) for name, value in entry.fields if name != STACK]
        self.more.set_facts(facts)
        self.more_part.setVisible(bool(facts))
        self.stack.setText(stack_words(entry))
        self.stack_part.setVisible(bool(self.stack.text()))
        for button in (self.related, self.audit):
            button.setEnabled(bool(entry.correlation_id))

    def copy_details(self) -> None:
        """Put the line on the clipboard, redacted."""
        if self.entry is not None:
            from backend_core.redaction import redact

            QGuiApplication.clipboard().setText(redact(everything(self.entry)))
            self.copied.emit()

    def _go(self, wanted: SignalInstance) -> None:
        if self.entry is not None and self.entry.correlation_id:
            wanted.emit(self.entry.correlation_id)
