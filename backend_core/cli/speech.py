"""speak, voices and export: make audio and take it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backend_core.backend import Backend
from backend_core.cli.context import Context, Subcommands, command, positive
from backend_core.cli.output import table
from backend_core.cli.waiting import wait_for_audio
from backend_core.documents.export import FORMATS
from backend_core.documents.records import AudioRow, Generated
from backend_core.errors import VoiceInUse
from backend_core.policy import Actor

HEADINGS = ("id", "page", "voice", "status", "seconds", "error")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    speak = command(commands, "speak", _speak, help="turn the pages of a document into audio")
    speak.add_argument("document", type=positive)
    speak.add_argument("--page", type=positive, action="append", help="only this page; may be given several times")
    speak.add_argument("--voice", help="a voice id; see `lecternctl voices`")
    speak.add_argument("--rate", type=int, default=100, help="per cent of normal speed, 50 to 300")
    speak.add_argument("--pitch", type=int, default=50, help="0 to 99")
    speak.add_argument("--wait", action="store_true", help="wait until it is done, running a worker if none is alive")
    command(commands, "voices", _voices, help="list the voices")
    export = command(commands, "export", _export, help="write the finished audio of a document to a file")
    export.add_argument("document", type=positive)
    export.add_argument("--format", choices=FORMATS, default="mp3")
    export.add_argument("--voice", help="which voice, if there are several")
    export.add_argument("--page", type=positive, help="only this page")
    export.add_argument("-o", "--output", type=Path, default=Path(), metavar="PATH", help="a file, or a folder")


def _speak(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        generated = _generate(backend, actor, context)
        rows = (*generated.queued, *generated.existing)
        if arguments.wait:
            ids = [row.id for row in rows]
            rows = wait_for_audio(backend, arguments.document, ids, actor=actor, output=context.output)
    failed = [row for row in rows if row.status == "FAILED"]
    rows = tuple(sorted(rows, key=lambda row: (row.page, row.voice)))
    shown = [(row.id, row.page, row.voice, row.status, row.seconds, row.error) for row in rows]
    context.output.result({"audios": [_json(row) for row in rows]}, text=table(HEADINGS, shown, empty=""))
    if generated.full:
        context.output.note(f"{generated.full} pages have had as many audios as they may and got none.")
    if failed:
        context.output.note(f"{len(failed)} of {len(rows)} pages could not be spoken.")
    return 1 if failed else 0


def _generate(backend: Backend, actor: Actor, context: Context) -> Generated:
    arguments = context.arguments
    wanted = {"voice": arguments.voice, "pages": arguments.page, "rate": arguments.rate, "pitch": arguments.pitch}
    try:
        return backend.audios.generate(arguments.document, actor=actor, **wanted)
    except VoiceInUse as error:
        # asking twice is no mistake: the answer is the audio that exists
        context.output.note(f"{error} Nothing new was queued.")
        rows = backend.audios.listing(arguments.document, actor=actor)
        chosen = next((row.voice for row in rows if row.id == error.audio_id), None)
        pages = set(arguments.page or ()) or {row.page for row in rows}
        return Generated(queued=(), existing=tuple(row for row in rows if row.voice == chosen and row.page in pages))


def _json(row: AudioRow) -> dict[str, Any]:
    return {
        "audio_id": row.id,
        "page": row.page,
        "voice": row.voice,
        "status": row.status,
        "seconds": row.seconds,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "pcm_sha256": row.pcm_sha256,
        "error": row.error,
        "job_id": row.job_id,
        "correlation_id": row.correlation_id,
    }


def _voices(context: Context) -> int:
    with context.backend() as (backend, _actor):
        voices = backend.speech.voices()
    rows = [(voice.id, voice.language, voice.label) for voice in voices]
    context.output.result(voices, text=table(("id", "language", "name"), rows, empty="No voices."))
    return 0


def _export(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        path = backend.exports.export(
            arguments.document,
            actor=actor,
            format=arguments.format,
            to=arguments.output,
            voice=arguments.voice,
            page=arguments.page,
            progress=lambda done, total: context.output.progress(done, total, what="Exporting"),
        )
    size = path.stat().st_size
    context.output.result({"path": str(path), "bytes": size, "format": arguments.format}, text=f"{path} ({size / 1000:.0f} kB)")
    return 0
