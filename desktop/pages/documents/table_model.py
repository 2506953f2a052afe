"""The document list as the table shows it; everything is put into words in the worker, so that painting only draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import byte_size, date_time, duration, number, tr
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, tone_fill, tone_text
from desktop.widgets import paint
from desktop.widgets.table import CellState, Column

if TYPE_CHECKING:
    from backend_core.documents.records import DocumentRow

ROW_HEIGHT: Final = 51
_TILE = 38
_BUTTON = 28
_STEP = 32
_KIND_TONES: Final = {"pdf": "bad", "docx": "accent", "md": "muted", "txt": "muted"}
Part = tuple[float, str]
"""A share of a bar and its tone."""


@dataclass(frozen=True, slots=True)
class AudioWords:
    """The audio of a document: icon, words, tone, a short note on the right, and the parts of a bar (none: no bar)."""

    icon: str
    words: str
    tone: str
    note: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One row of the list, in words."""

    document: DocumentRow
    below: str
    pages: str
    language: str
    audio: AudioWords
    updated: str

    @property
    def id(self) -> int:
        """The document's id."""
        return self.document.id

    @property
    def playable(self) -> bool:
        """Whether some page can be heard."""
        return self.document.audio.pages_ready > 0


def document_line(document: DocumentRow) -> DocumentLine:
    """Put a document into words."""
    read = document.status == "COMPLETED"
    return DocumentLine(
        document=document,
        below=tr("{owner} · {size}", owner=document.owner, size=byte_size(document.size_bytes)),
        pages=number(document.page_count) if read else "–",
        language=document.language or "",
        audio=audio_words(document),
        updated=date_time(document.updated_at),
    )


def audio_words(document: DocumentRow) -> AudioWords:
    """Return what the list says about reading and speaking a document."""
    if document.status == "FAILED":
        return AudioWords("circle-alert", document.error or tr("The pages could not be read."), "bad")
    if document.status != "COMPLETED":
        waits = document.status == "PENDING"
        return AudioWords("hourglass", tr("Waiting to be read"), "none") if waits else AudioWords("loader", tr("Reading pages"), "info")
    if not document.characters:
        return AudioWords("scan-text", tr("No text in it"), "warn")
    return _spoken_words(document)


def _spoken_words(document: DocumentRow) -> AudioWords:
    audio, pages = document.audio, max(1, document.page_count)
    ready, broken = audio.pages_ready / pages, audio.failed / pages
    share = tr("{n} of {all}", n=number(audio.pages_ready), all=number(document.page_count))
    if audio.working:
        return AudioWords("loader", share, "info", _percent(ready), ((ready, "info"), (broken, "bad")))
    if audio.failed:
        words = tr("1 page failed") if audio.failed == 1 else tr("{n} pages failed", n=number(audio.failed))
        return AudioWords("circle-alert", words, "bad", "", ((ready, "ok"), (broken, "bad")))
    if not audio.pages_ready:
        return AudioWords("circle-dashed", tr("No audio yet"), "none")
    length = duration(audio.seconds)
    if audio.pages_ready < document.page_count:
        return AudioWords("headphones", share, "none", length, ((ready, "ok"),))
    return AudioWords("circle-check", tr("Ready · {length}", length=length), "ok")


def columns() -> list[Column]:
    """Return the columns of the list."""
    return [
        Column("title", tr("Title"), lambda line: f"{line.document.title}, {line.below}", _draw_title),
        Column("pages", tr("Pages"), lambda line: line.pages, _draw_pages, width=72, right=True),
        Column("language", tr("Lang"), lambda line: line.language, _draw_language, width=64),
        Column("audio", tr("Audio"), lambda line: f"{line.audio.words} {line.audio.note}", _draw_audio, width=178),
        Column("updated", tr("Updated"), lambda line: line.updated, _draw_updated, width=132),
    ]


def button_at(line: DocumentLine, place: QPointF) -> str:
    """Return which button of a hovered row lies at ``place`` of its last cell: ``play``, ``menu`` or empty."""
    names = _buttons(line)
    index = int(place.x() // _STEP)
    return names[index][0] if 0 <= index < len(names) and place.x() % _STEP <= _BUTTON else ""


def _buttons(line: DocumentLine) -> tuple[tuple[str, str], ...]:
    menu = ("menu", "ellipsis")
    return (("play", "play"), menu) if line.playable else (menu,)


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "\u202f%")


def _draw_title(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    kind = line.document.kind
    tile = QRectF(rect.x(), rect.center().y() - _TILE / 2, _TILE, _TILE)
    paint.box(painter, tile, 7, fill="surface" if state.selected else "bg", line="line")
    paint.text(painter, tile, kind.upper(), size=11, weight=SEMIBOLD, tone=_KIND_TONES.get(kind, "muted"), align=paint.CENTRE, elide=False)
    left = tile.right() + 12
    room = rect.right() - left
    paint.text(painter, QRectF(left, rect.center().y() - 19, room, 19), line.document.title, weight=SEMIBOLD)
    tone = "text" if state.selected else "muted"
    paint.text(painter, QRectF(left, rect.center().y() + 1, room, 17), line.below, size=12, tone=tone)


def _draw_pages(painter: QPainter, rect: QRectF, line: Any, _state: CellState) -> None:
    paint.text(painter, rect, line.pages, align=paint.RIGHT, tone="muted" if line.pages == "–" else "text")


def _draw_language(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    if not line.language:
        paint.text(painter, rect.adjusted(8, 0, 0, 0), "–", tone="muted")
        return
    words = line.language.split("-")[0][:3]
    width = paint.pill_width(words)
    box = QRectF(rect.x(), rect.center().y() - 10, width, 20)
    paint.box(painter, box, 10, fill="surface" if state.selected else "hover", line="line2" if state.selected else None)
    paint.text(painter, box, words, size=12, tone="muted", weight=MEDIUM, align=paint.CENTRE, elide=False)


def _draw_audio(painter: QPainter, rect: QRectF, line: Any, _state: CellState) -> None:
    audio = line.audio
    ink = tone_text(audio.tone)
    words_ink = "text" if audio.parts and audio.tone in {"info", "none"} else ink
    top = rect.center().y() - (10 if audio.parts else 0)
    paint.icon(painter, QPointF(rect.x(), top - 7), audio.icon, ink, size=14)
    note = paint.advance(audio.note, 12) + 8 if audio.note else 0
    weight = NORMAL if audio.tone == "none" and not audio.parts else MEDIUM
    words = QRectF(rect.x() + 20, top - 10, rect.width() - 20 - note, 20)
    paint.text(painter, words, audio.words, tone=words_ink, weight=weight)
    if audio.note:
        paint.text(painter, QRectF(rect.x(), top - 10, rect.width(), 20), audio.note, size=12, tone="muted", align=paint.RIGHT)
    if audio.parts:
        draw_parts(painter, QRectF(rect.x(), rect.center().y() + 8, rect.width(), 5), audio.parts)


def draw_parts(painter: QPainter, rect: QRectF, parts: tuple[Part, ...]) -> None:
    """Draw a bar whose parts stand for shares of the whole, in the order given."""
    paint.bar(painter, rect, 0.0)
    total = sum(share for share, _tone in parts)
    # the widest first: each part lies on the one after it, so that only the outer ends are round
    for share, tone in reversed(parts):
        if share > 0:
            filled = QRectF(rect.x(), rect.y(), max(rect.height(), rect.width() * min(1.0, total)), rect.height())
            paint.box(painter, filled, rect.height() / 2, fill=tone_fill(tone))
        total -= share


def _draw_updated(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    if not state.hovered:
        paint.text(painter, rect, line.updated, size=12, tone="text" if state.selected else "muted")
        return
    for index, (_name, icon) in enumerate(_buttons(line)):
        box = QRectF(rect.x() + index * _STEP, rect.center().y() - _BUTTON / 2, _BUTTON, _BUTTON)
        over = state.pointer is not None and box.translated(-rect.topLeft()).contains(state.pointer)
        paint.box(painter, box, 7, fill="hover" if over else "surface", line="line2")
        paint.icon(painter, QPointF(box.x() + 7, box.y() + 7), icon, "text", size=14)
