"""What is being heard: opens audio in the player, goes on to the next page, and tells which text belongs to the sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from backend_core.errors import LecternError, NotFound
from desktop.i18n import tr
from desktop.widgets.page import PageContext
from desktop.widgets.player import Player, Track

if TYPE_CHECKING:
    from backend_core.documents.records import PlayableAudio


class Listening(QObject):
    """The player of the documents page and the audio in it."""

    changed = Signal()
    """Another audio is in the player, or none."""

    def __init__(self, context: PageContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.player = Player(context.background)
        parent.destroyed.connect(self.player.retire)
        self.current: PlayableAudio | None = None
        self.player.opened.connect(self._opened)
        self.player.ended.connect(lambda _track: self.step(1, tell=False))
        self.player.step_wanted.connect(self.step)
        self.player.failed.connect(self._fail)
        self.player.closed.connect(self._close)

    def play(self, audio_id: int, *, at_character: int | None = None) -> None:
        """Open an audio and play it, from the word at a character of its page if given."""
        self._open(lambda backend, actor: backend.audios.play(audio_id, actor=actor), at_character=at_character)

    def play_document(self, document_id: int) -> None:
        """Play the first page of a document that has audio."""

        def first(backend: Any, actor: Any) -> Any:
            ready = [row for row in backend.audios.listing(document_id, actor=actor) if row.status == "COMPLETED"]
            if not ready:
                raise NotFound("There is no finished audio yet; generate it first.")
            return backend.audios.play(ready[0].id, actor=actor)

        self._open(first)

    def step(self, direction: int, *, tell: bool = True) -> None:
        """Play the nearest page before or after that has audio in the same voice; at the last one stop."""
        current = self.current
        if current is None:
            return
        document_id, page, voice = current.audio.document_id, current.audio.page, current.audio.voice

        def neighbour(backend: Any, actor: Any) -> Any:
            ready = [row for row in backend.audios.listing(document_id, actor=actor) if row.voice == voice and row.status == "COMPLETED"]
            beside = [row for row in ready if (row.page - page) * direction > 0]
            if not beside:
                return None
            return backend.audios.play(min(beside, key=lambda row: abs(row.page - page)).id, actor=actor)

        self._open(neighbour, none=self._say_last if tell else None)

    def time_of(self, character: int) -> float | None:
        """Return the second at which the word at that character of the page is spoken."""
        if self.current is None or not self.current.marks:
            return None
        return _time_of(self.current, character)

    def forget(self, *, document_id: int | None = None, audio_id: int | None = None) -> None:
        """Stop if what is heard was deleted."""
        current = self.current
        if current is not None and (current.audio.document_id == document_id or current.audio.id == audio_id):
            self.player.stop()
            self._close()

    def _open(self, find: Callable[[Any, Any], Any], *, at_character: int | None = None, none: Callable[[], object] | None = None) -> None:
        context = self._context

        def look() -> tuple[PlayableAudio, str] | None:
            playable = find(context.backend, context.actor)
            return (playable, _voice_label(context.backend, playable.audio.voice)) if playable is not None else None

        def show(found: tuple[PlayableAudio, str] | None) -> None:
            if found is not None:
                at = _time_of(found[0], at_character) if at_character is not None else 0.0
                self.player.open(lambda: _track(*found), at=at)
            elif none is not None:
                none()

        context.background.run(self, look, show, self._fail, key="open")

    def _opened(self, track: Track) -> None:
        playable: Any = track.key
        self.current = playable
        self._context.dock(self.player)
        self.changed.emit()

    def _say_last(self) -> None:
        self._context.notify(tr("No further page has audio in this voice."), tone="info")

    def _fail(self, error: LecternError) -> None:
        self._context.notify(str(error), tone="bad")

    def _close(self) -> None:
        self.current = None
        self._context.dock(None)
        self.changed.emit()


def _voice_label(backend: Any, voice_id: str) -> str:
    try:
        return str(backend.speech.voice(voice_id).label)
    except LecternError:
        # the engine is gone, the audio is not
        return voice_id


def _track(playable: PlayableAudio, voice: str) -> Track:
    """Decode an audio; runs in a worker."""
    from desktop.sound import read_clip

    audio = playable.audio
    starts = {mark[0]: mark[2] / 1000 for mark in reversed(playable.marks)}
    sentences = sorted(starts[start] for start, _end in playable.sentences if start in starts)
    return Track(
        key=playable,
        title=tr("{title} · page {n}", title=playable.document_title, n=audio.page),
        detail=tr("{voice} · MP3 64 kbit/s", voice=voice),
        clip=read_clip(playable.path, encoder_delay=playable.encoder_delay),
        peaks=playable.peaks,
        sentences=tuple(sentences),
    )


def _time_of(playable: PlayableAudio, character: int) -> float:
    """Return the second of the word at a character, or of the next one."""
    following = [mark for mark in playable.marks if mark[1] > character]
    return (following[0] if following else playable.marks[-1])[2] / 1000 if playable.marks else 0.0
