"""Write finished audio of a document to a file the user chose: MP3, FLAC, subtitles, or everything in a ZIP."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import select

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.documents.audio import Audios
from backend_core.documents.names import safe_name
from backend_core.documents.records import AudioRow, PlayableAudio
from backend_core.documents.subtitles import to_srt, to_vtt
from backend_core.documents.tables import documents
from backend_core.errors import DamagedObject, InvalidInput, NotFound, StorageFailed
from backend_core.logs import correlated
from backend_core.policy import Actor, Target, authorize
from backend_core.speech.engine import SpeechRequest
from backend_core.speech.service import Speech

FORMATS: Final = ("mp3", "flac", "srt", "vtt", "zip")
FLAC_LIMIT_S: Final = 600.0
TAG_HEADER: Final = 10
Progress = Callable[[int, int], None]


def _unheard(_done: int, _total: int) -> None:
    """Nobody listens to the progress."""


class Exports:
    """Exports of one database."""

    def __init__(self, database: Database, audit: Audit, *, audios: Audios, speech: Speech, scratch: Path) -> None:
        self._database = database
        self._audit = audit
        self._audios = audios
        self._speech = speech
        self._scratch = scratch

    def export(  # one argument per choice of the user
        self,
        document_id: int,
        *,
        actor: Actor,
        format: str,  # noqa: A002  # the word every user of the command knows
        to: Path,
        voice: str | None = None,
        page: int | None = None,
        progress: Progress = _unheard,
    ) -> Path:
        """Write the finished audio of a document, pages in order, to ``to``; return that path.

        Args:
            format: ``mp3``, ``flac``, ``srt``, ``vtt`` or ``zip``.
            to: a file, or an existing folder in which a name is chosen from the title.
            voice: which voice; the only one there is, when left out.
            page: one page instead of all.
            progress: called with pages done and pages in all.

        Raises:
            NotFound: no finished audio.
            InvalidInput: an unknown format, several voices and none chosen, or ``to`` is a device or a pipe.
            DamagedObject: a stored file was changed, or the page no longer sounds as it did.
            StorageFailed: the file cannot be written.
        """
        if format not in FORMATS:
            raise InvalidInput(f"Choose one of {', '.join(FORMATS)}.")
        target = Target(kind="document", id=str(document_id))
        authorize(actor, "audio.export", target)
        with correlated():
            rows = self._chosen(document_id, actor=actor, voice=voice, page=page)
            path = to / f"{safe_name(self._title(document_id))}.{format}" if to.is_dir() else to
            if path.exists() and not path.is_file():
                raise InvalidInput("That is not a file; name a file or a folder.")
            after = {"format": format, "pages": len(rows), "voice": rows[0].voice}
            with self._database.begin("Record export") as conn:
                self._audit.record(conn, actor=actor, action="audio.export", target=target, after=after)
            self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=self._scratch, prefix="export-") as folder:
                made = Path(folder) / f"export.{format}"
                playable = self._playable(rows, actor=actor, progress=progress)
                self._write(format, playable, made)
                _move(made, path)
        return path

    def _title(self, document_id: int) -> str:
        with self._database.begin("Read title") as conn:
            return str(conn.execute(select(documents.c.title).where(documents.c.id == document_id)).scalar_one())

    def _chosen(self, document_id: int, *, actor: Actor, voice: str | None, page: int | None) -> list[AudioRow]:
        rows = [row for row in self._audios.listing(document_id, actor=actor, page=page) if row.status == "COMPLETED"]
        if voice is not None:
            rows = [row for row in rows if row.voice == voice]
        if not rows:
            raise NotFound("There is no finished audio to export; generate it first.")
        voices = sorted({row.voice for row in rows})
        if len(voices) > 1:
            raise InvalidInput(f"There is audio in several voices ({', '.join(voices)}); choose one.")
        return rows

    def _playable(self, rows: Sequence[AudioRow], *, actor: Actor, progress: Progress) -> Iterator[PlayableAudio]:
        for done, row in enumerate(rows):
            progress(done, len(rows))
            yield self._audios.play(row.id, actor=actor)
        progress(len(rows), len(rows))

    def _write(self, format: str, pages: Iterator[PlayableAudio], made: Path) -> None:  # noqa: A002  # as above
        if format == "mp3":
            _join_mp3(pages, made)
        elif format == "flac":
            self._join_flac(pages, made)
        elif format == "zip":
            _zip(pages, made)
        else:
            made.write_text((to_srt if format == "srt" else to_vtt)(list(pages)), encoding="utf-8")

    def _join_flac(self, pages: Iterator[PlayableAudio], made: Path) -> None:
        """Speak every page again without loss; the hash proves it is the same audio that was heard."""
        import soundfile  # slow to import, needed here only

        joined: soundfile.SoundFile | None = None
        try:
            for playable in pages:
                audio = playable.audio
                request = SpeechRequest(
                    text=playable.page.text,
                    skips=playable.page.skips,
                    voice=audio.voice,
                    rate=audio.rate,
                    pitch=audio.pitch,
                    title=playable.document_title,
                )
                spoken = self._speech.synthesize(request, into=made.parent, format="flac", hard_limit_s=FLAC_LIMIT_S)
                if spoken.pcm_sha256 != audio.pcm_sha256:
                    raise DamagedObject(f"Page {audio.page} no longer sounds as it did; generate it again, then export.")
                with soundfile.SoundFile(spoken.path) as source:
                    if joined is None:
                        joined = soundfile.SoundFile(made, "w", source.samplerate, 1, format="FLAC")
                    for block in source.blocks(1 << 16, dtype="int16"):
                        joined.write(block)
                spoken.path.unlink()
        finally:
            if joined is not None:
                joined.close()


def _join_mp3(pages: Iterator[PlayableAudio], made: Path) -> None:
    # frames of constant bit rate follow one another; only the first file keeps its tag
    with made.open("wb") as joined:
        for place, playable in enumerate(pages):
            content = playable.path.read_bytes()
            joined.write(content if place == 0 else _without_tag(content))


def _without_tag(mp3: bytes) -> bytes:
    """Return an MP3 file without the ID3v2 tag at its start; the tag's length stands in four bytes of seven bits."""
    if not mp3.startswith(b"ID3"):
        return mp3
    length = 0
    for byte in mp3[6:TAG_HEADER]:
        length = length << 7 | byte
    return mp3[TAG_HEADER + length :]


def _zip(pages: Iterator[PlayableAudio], made: Path) -> None:
    manifest = []
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for playable in pages:
            audio = playable.audio
            name = f"page-{audio.page:04d}"
            archive.write(playable.path, f"{name}.mp3", zipfile.ZIP_STORED)
            archive.writestr(f"{name}.txt", playable.page.text)
            archive.writestr(f"{name}.vtt", to_vtt([playable]))
            manifest.append(
                {
                    "page": audio.page,
                    "voice": audio.voice,
                    "seconds": audio.seconds,
                    "sha256": audio.sha256,
                    "pcm_sha256": audio.pcm_sha256,
                    "marks": playable.marks,
                }
            )
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))


def _move(made: Path, path: Path) -> None:
    # a name of its own: two exports to one path must not write into each other, nor may a long name grow longer
    partial = path.with_name(f".lectern-{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(made, partial)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise StorageFailed("The export could not be written there; check the folder and the free space.") from None
