"""One memory in the drawer: its words, where they come from, who is given it, how it changed, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.pages.memory.lines import MemoryLine, Place
from desktop.pages.memory.words import day_short, moment_words, type_tone, type_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row


@dataclass(frozen=True, slots=True)
class Version:
    """What a memory said before."""

    number: int
    text: str
    who: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The message a memory comes from.

    Attributes:
        gone: the message is no longer kept.
    """

    text: str = ""
    sender: str = ""
    at: datetime | None = None
    conversation: object = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """Everything the drawer shows of one memory."""

    line: MemoryLine
    place: Place
    text: str
    speaker: str
    confidence: float
    said_at: datetime
    created_at: datetime
    event_at: datetime | None
    expires_at: datetime | None
    purge_after: datetime | None
    versions: tuple[Version, ...]
    source: Source | None


class DetailsPanel(QWidget):
    """``wanted`` carries ``edit``, ``forget`` or ``restore``."""

    wanted = Signal(str)
    conversation_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.details: Details | None = None
        self.kind, self.state = Badge(), Badge()
        self.words = PlainLabel("", "strong", wrap=True, selectable=True)
        self.edit = Button(tr("Edit…"), "small", icon_name="pencil", on_click=lambda: self.wanted.emit("edit"))
        self.forget = Button(tr("Forget…"), "small", icon_name="eraser", on_click=lambda: self.wanted.emit("forget"))
        self.restore = Button(tr("Restore"), "small", icon_name="undo-2", on_click=lambda: self.wanted.emit("restore"))
        self.facts = KeyValues(name_width=92)
        self.given, self.versions = QVBoxLayout(), QVBoxLayout()
        for lane in (self.given, self.versions):
            lane.setSpacing(6)
        self.source = SourceBox()
        self.source.opened.connect(self.conversation_wanted)
        self.earlier = over(tr("Earlier versions"))
        parts = (
            row(self.kind, self.state, None, gap=6),
            self.words,
            row(self.edit, self.forget, self.restore, None, gap=8),
            self.facts,
            over(tr("Who is given it")),
            self.given,
            over(tr("Where it comes from")),
            self.source,
            self.earlier,
            self.versions,
            None,
        )
        self.setLayout(column(*parts, gap=12))

    def show_details(self, details: Details, places: Sequence[Place], *, editable: bool) -> None:
        """Show a memory; ``places`` are those whose scopes were asked, ``editable`` where the viewer may change it."""
        self.details = details
        line = details.line
        self.kind.show_state(type_words(line.type), type_tone(line.type))
        self.state.show_state(line.forgotten or (tr("Contradicted") if line.conflict else ""), "warn")
        self.words.setText(details.text)
        self.edit.setVisible(editable and not line.forgotten)
        self.forget.setVisible(editable and not line.forgotten)
        self.restore.setVisible(editable and bool(line.forgotten))
        self.facts.set_facts(_facts(details))
        _fill(self.given, [_given(line, place) for place in places])
        self.source.show_source(details.source)
        self.earlier.setVisible(bool(details.versions))
        _fill(self.versions, [_version(one) for one in details.versions])


class SourceBox(QWidget):
    """The message in quotes, or the sentence that there is none."""

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._source: Source | None = None
        self.words = PlainLabel("", "", wrap=True)
        self.below = ElidedLabel(size=12, tone="muted")
        self.link = Button(tr("Open conversation"), "link", on_click=self._open)
        lane = row(IconLabel("quote"), gap=12, margins=(12, 9, 12, 9), stretch_height=True)
        lane.addLayout(column(self.words, self.below, row(self.link, None), gap=2), 1)
        self.setLayout(column(holder(lane, name="inset"), gap=0))

    def show_source(self, source: Source | None) -> None:
        """Show a source, None for none."""
        self._source = source
        if source is None:
            self.words.setText(tr("Added by hand, not from a message."))
        elif source.gone:
            self.words.setText(tr("The message is no longer kept."))
        else:
            self.words.setText(f"“{source.text}”")
        told = source is not None and not source.gone and source.at is not None
        self.below.setText(f"{source.sender} · {moment_words(source.at)}" if told and source is not None and source.at is not None else "")
        self.below.setVisible(told)
        self.link.setVisible(source is not None and source.conversation is not None)

    def _open(self) -> None:
        if self._source is not None:
            self.opened.emit(self._source.conversation)


def _facts(details: Details) -> list[Fact]:
    facts = [
        Fact(tr("Said by"), details.speaker or tr("unknown")),
        Fact(tr("Said"), moment_words(details.said_at)),
        Fact(tr("Kept in"), details.place.tag, mono=True),
        Fact(tr("Salience"), number(details.line.salience, decimals=2)),
        Fact(tr("Confidence"), number(details.confidence, decimals=2)),
    ]
    if details.event_at is not None:
        facts.append(Fact(tr("Happens"), day_short(details.event_at)))
    if details.expires_at is not None:
        facts.append(Fact(tr("Kept until"), day_short(details.expires_at)))
    if details.purge_after is not None:
        facts.append(Fact(tr("Purged"), day_short(details.purge_after)))
    facts.append(Fact(tr("Version"), tr("{n}, since {moment}", n=number(details.line.version), moment=moment_words(details.created_at))))
    return facts


def _given(line: MemoryLine, place: Place) -> QWidget:
    seen = place.key in line.seen_in and not line.forgotten
    icon = IconLabel("eye" if seen else "eye-off", "accent" if seen else "muted", size=14)
    name = ElidedLabel(place.caption, tone="text" if seen else "muted")
    words = PlainLabel(tr("may be given it") if seen else tr("never"), "smallstrong" if seen else "small")
    return holder(row(icon, (name, 1), words, gap=9))


def _version(one: Version) -> QWidget:
    head = tr("Version {n} · {who} · {moment}", n=number(one.number), who=one.who, moment=moment_words(one.at))
    parts = [PlainLabel(one.text, "", wrap=True), ElidedLabel(head, size=12, tone="muted")]
    if one.reason:
        parts.append(ElidedLabel(tr("Because: {reason}", reason=one.reason), size=12, tone="muted"))
    return holder(column(*parts, gap=2, margins=(12, 8, 12, 8)), name="inset")


def _fill(lane: QVBoxLayout, widgets: Sequence[QWidget]) -> None:
    clear_layout(lane)
    for widget in widgets:
        lane.addWidget(widget)
