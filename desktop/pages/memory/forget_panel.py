"""The preview of forgetting: what goes from which store, what stays, when it is gone for good, and the proof afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.words import POSTINGS, day_short, store_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.field import Field, Select
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row, rule
from desktop.widgets.switch import Switch

_TYPING_MS = 600


@dataclass(frozen=True, slots=True)
class Item:
    """How many rows of one store go, and which in a few words."""

    store: str
    count: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """What is left as it is, and why."""

    icon: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be forgotten; nothing has happened yet.

    Attributes:
        question: asked instead of doing anything, where the words were not clear.
        topic: what a boundary would be about, empty where the words name none.
        keeps_quiet: the words ask for a boundary themselves.
        value: what the service takes to do it.
        reads: how many audited reads it took.
    """

    place: Place
    said: str
    below: str
    items: tuple[Item, ...] = ()
    stays: tuple[Stay, ...] = ()
    question: str = ""
    topic: str = ""
    keeps_quiet: bool = False
    purge_after: datetime | None = None
    value: object = None
    reads: int = 1

    @property
    def total(self) -> int:
        """How many rows go, search postings not counted."""
        return sum(item.count for item in self.items if item.store not in POSTINGS)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A proof of erasure.

    Attributes:
        container: salted hash.
        verifies: None where nobody looked yet.
        document: the whole receipt, to be kept in a file.
    """

    key: str
    at: datetime
    container: str
    items: str
    key_id: str
    asked_by: str
    verifies: bool | None
    document: str = ""


class Subject(QWidget):
    """What was said, in quotes, and by whom."""

    def __init__(self) -> None:
        super().__init__()
        self.words = PlainLabel("", "", wrap=True)
        self.below = ElidedLabel(size=12, tone="muted")
        lane = row(IconLabel("quote"), gap=12, margins=(12, 9, 12, 9), stretch_height=True)
        lane.addLayout(column(self.words, self.below, gap=2), 1)
        self.setLayout(column(holder(lane, name="inset"), gap=0))


class ForgetPanel(QWidget):
    """``preview_wanted`` carries a place and the words typed; ``forget_wanted`` says at once and with a boundary."""

    preview_wanted = Signal(str, str)
    forget_wanted = Signal(bool, bool)
    receipts_wanted = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preview: Preview | None = None
        self._build_form()
        self._build_answer()
        self._build_receipt()
        self.cancel = Button(tr("Cancel"), on_click=self.left.emit)
        self.go = Button("", "danger", icon_name="eraser", on_click=self._press)
        self.footer = holder(_wide(self.cancel, (self.go, 1)), name="clear")
        self.setLayout(column(self.form, self.subject, self.note, self.answer, self.proof, None, gap=14))
        self.show_nothing()

    # -- what the page calls

    def ask(self, places: Sequence[Place], *, place: str = "", words: str = "") -> None:
        """Let the operator write what is to be forgotten."""
        self.show_nothing()
        self.place.set_choices([(one.key, one.caption) for one in places])
        self.place.choose(place)
        self.form.show()
        self.words.setText(words)
        self._pause.stop()
        if words:
            self._ask_preview()
        self.words.setFocus()

    def wait(self, said: str) -> None:
        """Say that the preview of one memory is being made."""
        self.show_nothing()
        self.form.hide()
        self._show_note(tr("Looking at every store…"))
        self.subject.words.setText(f"“{said}”")
        self.subject.below.setText("")
        self.subject.show()

    def show_nothing(self) -> None:
        """Forget the last preview; what cannot be undone has to be chosen anew each time."""
        self.preview = None
        self.when.choose("later")
        for part in (self.subject, self.note, self.answer):
            part.hide()
        self._show_total()

    def show_preview(self, preview: Preview) -> None:
        """Show what would go and what stays."""
        self.preview = preview
        self.subject.words.setText(f"“{preview.said}”")
        self.subject.below.setText(preview.below)
        # in the form the words stand in the field above already
        self.subject.setVisible(self.form.isHidden())
        self._show_note(preview.question or ("" if preview.total else tr("Nothing here matches. Nothing would be erased.")))
        self.answer.setVisible(bool(preview.total) and not preview.question)
        self._fill_items(preview)
        self._fill_stays(preview.stays)
        self.quiet.setChecked(preview.keeps_quiet)
        self.quiet_box.setVisible(bool(preview.topic))
        self.quiet_below.setText(tr("A boundary about “{topic}” in {place} only", topic=preview.topic, place=preview.place.said))
        self._show_when()
        self._show_total()

    def show_failure(self, sentence: str) -> None:
        """Say why there is no preview."""
        self.preview = None
        self.answer.hide()
        self._show_note(sentence)
        self._show_total()

    def show_receipt(self, receipt: Receipt | None) -> None:
        """Show the newest receipt, None while there is none."""
        self.proof.setVisible(receipt is not None)
        if receipt is None:
            return
        tone = "none" if receipt.verifies is None else "ok" if receipt.verifies else "bad"
        words = tr("not checked") if receipt.verifies is None else tr("verifies") if receipt.verifies else tr("does not verify")
        self.proof_icon.set_icon("badge-check" if receipt.verifies else "shield-x" if receipt.verifies is False else "file-text", tone)
        self.proof_words.setText(tr("Last receipt, {day}: {state}", day=day_short(receipt.at), state=words))
        self.proof_words.set_tone(tone)

    # -- building

    def _build_form(self) -> None:
        self.place = Select(name=tr("Conversation"))
        self.words = Field(name=tr("What to forget"), hint=tr("forget what I said about the trip"))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_MS)
        self._pause.timeout.connect(self._ask_preview)
        self.words.textEdited.connect(self._typed)
        self.words.returnPressed.connect(self._ask_preview)
        self.place.picked.connect(lambda _key: self._ask_preview())
        hint = PlainLabel(tr("Write it as it would be said in the conversation, in English or German."), "small", wrap=True)
        self.form = holder(column(self.place, self.words, hint, gap=8))
        self.subject = Subject()
        self.note_words = PlainLabel("", "", wrap=True)
        lane = row(IconLabel("info", "accent"), gap=12, margins=(12, 9, 12, 9), stretch_height=True)
        lane.addWidget(self.note_words, 1)
        self.note = holder(lane, name="inset")

    def _build_answer(self) -> None:
        self.total = PlainLabel("", "small")
        self.items, self.stays = QVBoxLayout(), QVBoxLayout()
        self.items.setSpacing(0)
        self.stays.setSpacing(8)
        self.stays_title = over(tr("Stays as it is"))
        self.when = SegmentedControl([("later", tr("Recoverable for 30 days")), ("now", tr("Erase at once"))], name=tr("When"))
        self.when.chosen.connect(lambda _key: self._show_when())
        self.when_words = PlainLabel("", "small", wrap=True)
        self.quiet = Switch(name=tr("Also never bring it up again"))
        self.quiet_below = ElidedLabel(size=12, tone="muted")
        lane = row(IconLabel("bell-off"), gap=12, margins=(12, 8, 8, 8))
        lane.addLayout(column(PlainLabel(tr("Also never bring it up again")), self.quiet_below, gap=2), 1)
        lane.addWidget(self.quiet)
        self.quiet_box = holder(lane, name="inset")
        head = row(over(tr("Will be erased")), None, self.total)
        parts = (
            column(head, self.items, gap=4),
            self.stays_title,
            self.stays,
            column(row(self.when, None), self.when_words, gap=6),
            self.quiet_box,
        )
        self.answer = holder(column(*parts, gap=12))

    def _build_receipt(self) -> None:
        self.receipt_badge = Badge(tr("signed at purge"), "info")
        self.receipt = KeyValues(name_width=74)
        inset = holder(column(self.receipt, margins=(12, 6, 12, 6)), name="inset")
        self.answer_receipt = column(row(over(tr("Receipt")), None, self.receipt_badge), inset, gap=6)
        lane = self.answer.layout()
        if isinstance(lane, QVBoxLayout):
            lane.addLayout(self.answer_receipt)
        self.proof_icon = IconLabel("badge-check", "ok", size=14)
        self.proof_words = PlainLabel("", "small")
        self.proof_open = Button(tr("Open"), "link", name=tr("Open the receipts"), on_click=self.receipts_wanted.emit)
        self.proof = holder(row(self.proof_icon, self.proof_words, None, self.proof_open, gap=7))
        self.proof.hide()

    # -- showing

    def _fill_items(self, preview: Preview) -> None:
        clear_layout(self.items)
        for item in preview.items:
            if item.count and item.store not in POSTINGS:
                self.items.addWidget(_item(item))
                self.items.addWidget(rule())
        postings = sum(item.count for item in preview.items if item.store in POSTINGS)
        if postings:
            note = PlainLabel(tr("{n} search postings go with them", n=number(postings)), "small")
            self.items.addWidget(holder(row(IconLabel("text-search", size=14), note, None, gap=9), height=28))

    def _fill_stays(self, stays: Sequence[Stay]) -> None:
        clear_layout(self.stays)
        self.stays_title.setVisible(bool(stays))
        for stay in stays:
            lane = row(IconLabel(stay.icon, "accent"), gap=12, margins=(12, 8, 12, 8), stretch_height=True)
            lane.addLayout(column(PlainLabel(stay.title, "", wrap=True), PlainLabel(stay.why, "small", wrap=True), gap=2), 1)
            self.stays.addWidget(holder(lane, name="inset"))

    def _show_note(self, words: str) -> None:
        self.note_words.setText(words)
        self.note.setVisible(bool(words))

    def _show_when(self) -> None:
        now = self.when.current == "now"
        day = self.preview.purge_after if self.preview is not None else None
        later = (
            tr("Purged {day}; until then it can be restored.", day=day_short(day))
            if day
            else tr("Purged after 30 days; until then it can be restored.")
        )
        gone = tr("Gone at once and for good. Backups and the server's own log keep it until they are replaced.")
        self.when_words.setText(gone if now else later)
        self.receipt_badge.show_state(tr("signed at once") if now else tr("signed at purge"), "info")
        self._show_total()

    def _show_total(self) -> None:
        total = self.preview.total if self.preview is not None and not self.preview.question else 0
        items = tr("1 item") if total == 1 else tr("{n} items", n=number(total))
        self.total.setText(tr("{items}, 1 container", items=items))
        now = self.when.current == "now"
        if total:
            self.go.set_caption(tr("Erase {items}…", items=items) if now else tr("Forget {items}", items=items))
        else:
            self.go.set_caption(tr("Erase…") if now else tr("Forget"))
        self.go.setEnabled(total > 0)
        if self.preview is not None and total:
            stores = [item for item in self.preview.items if item.count]
            counts = "·".join(number(item.count) for item in stores)
            self.receipt.set_facts(
                [
                    Fact(tr("Container"), tr("a salted hash of its tag")),
                    Fact(tr("Items"), tr("{counts} in {n} stores", counts=counts, n=number(len(stores))), mono=True),
                    Fact(tr("Holds"), tr("no text, no name, no phone")),
                ]
            )

    def _typed(self) -> None:
        self.show_nothing()
        self._pause.start()

    def _ask_preview(self) -> None:
        self._pause.stop()
        words = self.words.text().strip()
        if words and self.place.current is not None and not self.form.isHidden():
            self._show_note(tr("Looking at every store…"))
            self.preview_wanted.emit(str(self.place.current), words)

    def _press(self) -> None:
        self.forget_wanted.emit(self.when.current == "now", self.quiet.isChecked() and not self.quiet_box.isHidden())


def _item(item: Item) -> QWidget:
    words, icon = store_words(item.store)
    count = PlainLabel(number(item.count), "heading")
    detail = ElidedLabel(item.detail, size=12, tone="muted")
    return holder(row(IconLabel(icon, size=14), PlainLabel(words), (detail, 1), count, gap=9), height=30)


def _wide(*items: QWidget | tuple[QWidget, int]) -> QHBoxLayout:
    return row(*items, gap=8, margins=(20, 10, 20, 14), stretch_height=True)
