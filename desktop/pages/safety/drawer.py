"""One finding: how it was judged, its text once a reason was given, and the verdict of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal

from backend_core.scopes.records import masked
from desktop.i18n import date_time, tr
from desktop.pages.safety.words import (
    VERDICTS,
    action_words,
    category_words,
    direction_words,
    score_words,
    verdict_words,
    where_words,
)
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.drawer import Drawer
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.safety.queue import Opened, QueueRow

LONGEST_NOTE: Final = 500


class FindingDrawer(Drawer):
    """The page opens texts and keeps verdicts; this shows and asks."""

    open_wanted = Signal()
    verdict_given = Signal(str, str)
    """Verdict and note."""
    conversation_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(width=384)
        self.state, self.done = Badge(), Badge()
        self.facts = KeyValues(name_width=104)
        self.closed_words = PlainLabel("", "small", wrap=True)
        self.open = Button(tr("Open the text"), icon_name="eye", on_click=self.open_wanted.emit)
        self.text = PlainLabel("", wrap=True, selectable=True)
        self.said = PlainLabel("", "small", wrap=True)
        self.choice = SegmentedControl([(key, verdict_words(key)[0]) for key in VERDICTS], name=tr("Verdict"))
        self.note = Field(name=tr("Note"), hint=tr("Note, without quoting the message"))
        self.note.setMaxLength(LONGEST_NOTE)
        self.keep = Button(tr("Save verdict"), "primary", icon_name="check", on_click=self._give)
        self.past = PlainLabel("", "small", wrap=True)
        self._build()

    def show_row(self, one: QueueRow, opened: Opened | None, *, may_review: bool) -> None:
        """Show a finding; its text only where it was opened."""
        self.show_titles(category_words(one.category), tr("{who}, {when}", who=direction_words(one.direction), when=date_time(one.at)))
        self.state.show_state(*action_words(one.action))
        self.done.show_state(*verdict_words(one.verdict))
        self.facts.set_facts(
            [
                Fact(tr("Score"), score_words(one)),
                Fact(tr("Judged by"), _provider(one.provider)),
                Fact(tr("Where"), where_words(one)),
                Fact(tr("Label"), one.tag, mono=True),
            ]
        )
        self._show_text(opened, may_review=may_review)
        self._show_verdict(one, opened.note if opened is not None else None, may_review=may_review)

    def start_note(self) -> None:
        """Empty what was typed for the finding before."""
        self.note.clear()
        self.choice.choose(VERDICTS[0])

    def _build(self) -> None:
        self.box = holder(column(self.said, self.text, gap=6, margins=(12, 10, 12, 10)), name="inset")
        self.shut = holder(column(self.closed_words, row(self.open, None), gap=10, margins=(12, 10, 12, 12)), name="inset")
        way = Button(tr("Go to the conversation"), "link", on_click=self.conversation_wanted.emit)
        keep = row(self.keep, None)
        self.asks = holder(column(row(self.choice, None), self.note, keep, gap=10))
        for part in (holder(row(self.state, self.done, None)), self.facts, over(tr("Text")), self.shut, self.box, holder(row(way, None))):
            self.body.addWidget(part)
        for part in (over(tr("Verdict")), self.past, self.asks):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _show_text(self, opened: Opened | None, *, may_review: bool) -> None:
        self.shut.setVisible(opened is None)
        self.box.setVisible(opened is not None)
        words = tr("The text is closed. Opening it asks why, and the audit log keeps who looked.")
        self.closed_words.setText(words if may_review else tr("Your role may not open the text."))
        self.open.setVisible(may_review)
        if opened is None:
            return
        gone = tr("It was forgotten meanwhile, or never kept.")
        self.text.setText(opened.text if opened.text is not None else gone)
        when = date_time(opened.said_at) if opened.said_at is not None else ""
        self.said.setText(", ".join(filter(None, (_sender(opened.sender), when))))
        self.said.setVisible(bool(self.said.text()))

    def _show_verdict(self, one: QueueRow, note: str | None, *, may_review: bool) -> None:
        self.past.setVisible(one.verdict is not None or not may_review)
        self.asks.setVisible(one.verdict is None and may_review)
        if one.verdict is None:
            self.past.setText(tr("Nobody has looked yet."))
            return
        when = date_time(one.reviewed_at) if one.reviewed_at is not None else ""
        who = tr("{verdict}, said {name} {when}.", verdict=verdict_words(one.verdict)[0], name=one.reviewed_by or "", when=when)
        self.past.setText(f"{who} {note}" if note else who)

    def _give(self) -> None:
        self.verdict_given.emit(str(self.choice.current), " ".join(self.note.text().split()))


def _provider(provider: str) -> str:
    names = {"local": tr("local rules"), "openai": tr("moderation service")}
    return ", ".join(names.get(part, part) for part in provider.split("+"))


def _sender(sender: str | None) -> str:
    if sender is None:
        return ""
    persona = "persona:"
    return sender.removeprefix(persona) if sender.startswith(persona) else masked(sender)
