"""The questions of the documents page: which voice, and what to export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.i18n import tr
from desktop.pages.documents.details import language_name
from desktop.pages.documents.list_card import list_card
from desktop.widgets import cells
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import SearchField
from desktop.widgets.file_dialog import ask_file, ask_sources
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.speech.engine import Voice

KINDS: Final = ("pdf", "docx", "md", "markdown", "txt")
FORMATS: Final[dict[str, tuple[str, str]]] = {
    "mp3": ("MP3", "audio with chapters, plays everywhere"),
    "flac": ("FLAC", "audio without loss"),
    "srt": ("SRT", "subtitles"),
    "vtt": ("WebVTT", "subtitles for the web"),
    "zip": ("ZIP", "a file for each page, with its text and times"),
}
_LIST_HEIGHT = 340


@dataclass(frozen=True, slots=True)
class VoiceLine:
    """One row of the list of voices; ``group`` is empty but in the first row of a language."""

    voice: Voice
    group: str
    note: str


def voice_lines(voices: Sequence[Voice], *, language: str | None, chosen: str = "", search: str = "") -> list[VoiceLine]:
    """Return the voices by language, the document's own first, reduced to those with every word of ``search``."""
    wanted = (language or "").split("-")[0].lower()
    words = search.casefold().split()

    def order(voice: Voice) -> tuple[bool, str, str]:
        return voice.language.split("-")[0].lower() != wanted, language_name(voice.language), voice.label

    found = [voice for voice in voices if all(word in f"{voice.label} {voice.language}".casefold() for word in words)]
    lines: list[VoiceLine] = []
    for group, members in groupby(sorted(found, key=order), key=lambda voice: language_name(voice.language)):
        for place, voice in enumerate(members):
            lines.append(VoiceLine(voice, group if place == 0 else "", tr("chosen") if voice.id == chosen else ""))
    return lines


class VoiceDialog(Dialog):
    """A searchable list of every voice; Enter or a double click takes one."""

    def __init__(
        self, parent: QWidget, voices: Sequence[Voice], *, language: str | None, current: str, on_choice: Callable[[Voice], object]
    ) -> None:
        sentence = tr("All of them speak on this machine; nothing is sent.")
        super().__init__(parent, tr("Choose a voice"), sentence, icon_name="headphones")
        self.setFixedWidth(600)
        self._voices, self._language, self._current, self._on_choice = voices, language, current, on_choice
        self.search = SearchField(name=tr("Search voices"), hint=tr("Language, country or code"))
        self.search.searched.connect(self._show)
        self.table = Table(
            [
                Column("group", tr("Language"), lambda line: line.group, cells.text_cell(lambda line: line.group, weight=500), width=112),
                Column("label", tr("Voice"), lambda line: line.voice.label, cells.text_cell(lambda line: line.voice.label)),
                Column("note", "", lambda line: line.note, cells.badge_cell(lambda line: (line.note, "info")), width=96),
                Column("code", tr("Code"), lambda line: line.voice.language, _CODE, width=112),
            ],
            name=tr("Voices"),
            row_height=34,
            key=lambda line: line.voice.id,
            empty=EmptyState("headphones", tr("No voice matches"), detail=tr("Search for a language, such as German or de.")),
        )
        self.table.setMinimumHeight(_LIST_HEIGHT)
        self.table.opened.connect(self._take)
        self.body.addWidget(self.search)
        self.body.addWidget(list_card(self.table))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Use this voice"), self._take_current, kind="primary", default=True)
        self.table.selected.connect(lambda line: self.go.setEnabled(line is not None))
        self._show("")
        self.go.setEnabled(self.table.select_key(current))
        self.search.setFocus()

    def _show(self, search: str) -> None:
        self.table.set_rows(voice_lines(self._voices, language=self._language, chosen=self._current, search=search))

    def _take(self, line: VoiceLine) -> None:
        self.accept()
        self._on_choice(line.voice)

    def _take_current(self) -> None:
        line = self.table.current()
        if line is not None:
            self._take(line)


_CODE = cells.text_cell(lambda line: line.voice.language, mono=True, tone="muted")


def ask_files(parent: QWidget, *, on_files: Callable[[list[Path]], object]) -> QFileDialog:
    """Open the system's file dialog without blocking, and hand over what was chosen."""
    known = " ".join(f"*.{kind} *.{kind.upper()}" for kind in KINDS)
    filters = [tr("Documents ({kinds})", kinds=known), tr("All files (*)")]
    return ask_sources(parent, tr("Add documents"), filters=filters, on_chosen=on_files)


def ask_export(parent: QWidget, *, name: str, format: str, on_path: Callable[[Path], object]) -> QFileDialog:  # noqa: A002 - the backend's word
    """Ask where to write an export without blocking; the ending is added when it is missing."""
    caption = FORMATS[format][0]
    kinds = {f"{caption} (*.{format})": format}
    return ask_file(parent, tr("Export as {format}", format=caption), kinds=kinds, name=name, on_chosen=on_path)


def file_stem(title: str) -> str:
    """Return a name to offer for a file: the title without what file systems forbid.

    >>> file_stem("Q1/Q2: results?")
    'Q1 Q2 results'
    """
    kept = "".join(character if character.isprintable() and character not in '/\\:*?"<>|' else " " for character in title)
    return " ".join(kept.split()).strip(". ")[:80] or tr("document")
