"""One notice: what it says, what became of it, and where it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from desktop.i18n import date_time, tr
from desktop.pages.alerts.words import delivery_words, kind_words, lasted, notice_state, severity_look, times_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.notices.records import Delivery, Notice

WIDTH: Final = 400
LONGEST_NOTE: Final = 500


class NoticeDrawer(Drawer):
    """Shows and asks; the page acts.

    Args:
        may_silence: whether the role may.
    """

    mend_wanted = Signal()
    acknowledge_wanted = Signal(str)
    silence_wanted = Signal()

    def __init__(self, *, may_silence: bool) -> None:
        super().__init__(width=WIDTH)
        self._may_silence = may_silence
        self.notice: Notice | None = None
        self._sent: tuple[Delivery, ...] | None = None
        self.severity, self.state = Badge(), Badge()
        self.words = PlainLabel("", wrap=True, selectable=True)
        self.facts = KeyValues(name_width=112)
        self.mend = Button(tr("Go to where it is mended"), "primary", icon_name="arrow-right", on_click=self.mend_wanted.emit)
        self.silence = Button(tr("Silence…"), icon_name="bell-off", on_click=self.silence_wanted.emit)
        self.note = Field(name=tr("Note"), hint=tr("Who looks after it, if you like"))
        self.note.setMaxLength(LONGEST_NOTE)
        self.note.returnPressed.connect(self._acknowledge)
        self.acknowledge = Button(tr("Acknowledge"), icon_name="check", on_click=self._acknowledge)
        self.past = PlainLabel("", "small", wrap=True)
        self._deliveries = QVBoxLayout()
        self._deliveries.setSpacing(4)
        self._build()

    def show_notice(self, one: Notice, *, reachable: bool) -> None:
        """Show a notice; ``reachable`` says whether the person may open the page it leads to."""
        if self.notice is None or self.notice.id != one.id:
            self.note.clear()
            self.show_deliveries(())
        self.notice = one
        self.show_titles(one.title, tr("{kind}, {when}", kind=kind_words(one.kind), when=date_time(one.raised_at)))
        _icon, word, tone = severity_look(one)
        self.severity.show_state(word, tone)
        self.state.show_state(*notice_state(one))
        self.words.setText(one.body)
        self.facts.set_facts(
            [
                Fact(tr("About"), one.subject or tr("the whole installation")),
                Fact(tr("Came"), f"{one.raised_at.astimezone():%Y-%m-%d %H:%M:%S}"),
                Fact(tr("Over"), f"{one.resolved_at.astimezone():%Y-%m-%d %H:%M:%S}" if one.resolved_at is not None else tr("not yet")),
                Fact(tr("Lasts"), lasted(one)),
                Fact(tr("Said"), times_words(one.times)),
                Fact(tr("Quiet until"), date_time(one.quiet_until) if one.quiet_until is not None else tr("not silenced")),
                Fact(tr("Correlation"), one.correlation_id, mono=True),
            ]
        )
        self.mend.setVisible(bool(one.page) and reachable)
        self.silence.setVisible(self._may_silence and one.quiet_until is None)
        waits = one.acknowledged_at is None
        self.asks.setVisible(waits)
        when = date_time(one.acknowledged_at) if one.acknowledged_at is not None else ""
        past = tr("{name}, {when}. {note}", name=one.acknowledged_by or "", when=when, note=one.note or "")
        self.past.setText(tr("Nobody has acknowledged it.") if waits else past.rstrip())

    def show_deliveries(self, sent: Sequence[Delivery]) -> None:
        """Show what left by mail and webhook."""
        wanted = tuple(sent)
        if wanted == self._sent:
            return
        self._sent = wanted
        clear_layout(self._deliveries)
        for one in wanted:
            words, tone = delivery_words(one)
            self._deliveries.addWidget(PlainLabel(words, "smalltext", tone="" if tone == "none" else tone, wrap=True))
        self.left.setVisible(bool(wanted))

    def _build(self) -> None:
        inset = holder(column(self.words, margins=(12, 10, 12, 10)), name="inset")
        self.left = holder(column(over(tr("Sent")), self._deliveries, gap=6))
        self.left.hide()
        self.asks = holder(column(self.note, row(self.acknowledge, None), gap=8))
        seen = holder(column(over(tr("Acknowledged")), self.past, self.asks, gap=8))
        for part in (
            holder(row(self.severity, self.state, None)),
            inset,
            holder(row(self.mend, self.silence, None)),
            self.facts,
            seen,
            self.left,
        ):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _acknowledge(self) -> None:
        self.acknowledge_wanted.emit(" ".join(self.note.text().split()))
