"""import and documents: bring files in, list what is there."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

from backend_core.backend import Backend
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.output import table
from backend_core.cli.waiting import wait_for_documents
from backend_core.documents.records import DocumentRow
from backend_core.errors import LecternError
from backend_core.logs import correlated
from backend_core.policy import Actor

LISTED = 500
EMPTY = "No documents yet. Import one: lecternctl import FILE"
NO_MATCH = "No document matches."


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    importing = command(commands, "import", _import, help="import documents and wait until their pages are read")
    importing.add_argument("files", nargs="+", metavar="FILE", help="PDF, DOCX, Markdown or text")
    listing = command(commands, "documents", _documents, help="list documents, newest first")
    listing.add_argument("--search", type=words, default="", help="words that occur in the title or file name")
    listing.add_argument("--status", choices=("PENDING", "PROCESSING", "COMPLETED", "FAILED"))
    listing.add_argument("--limit", type=positive, default=LISTED, help="at most this many")
    deleting = command(commands, "delete", _delete, help="delete a document")
    deleting.add_argument("document", type=positive)
    deleting.add_argument("--title", type=words, required=True, help="its exact title, to be sure")
    renaming = command(commands, "rename", _rename, help="give a document another title")
    renaming.add_argument("document", type=positive)
    renaming.add_argument("title", type=words)


def _files(patterns: list[str]) -> list[Path]:
    # a shell that does not expand patterns, as on Windows, passes them on
    paths: list[Path] = []
    for pattern in patterns:
        found = sorted(glob.glob(pattern)) if any(mark in pattern for mark in "*?[") and not Path(pattern).exists() else []  # noqa: PTH207 - a pattern may be absolute
        paths.extend(Path(name) for name in found or [pattern])
    return paths


def _import(context: Context) -> int:
    with context.backend() as (backend, actor):
        results = [_import_one(backend, path, actor) for path in _files(context.arguments.files)]
        waiting = [result["document_id"] for result in results if result["document_id"] is not None]
        done = {row.id: row for row in wait_for_documents(backend, waiting, actor=actor, output=context.output)}
    for result in results:
        row = done.get(result["document_id"])
        if row is not None:
            result |= {"pages": row.page_count, "status": row.status, "error": row.error, "correlation_id": row.correlation_id}
    rows = [(result["document_id"], result["file"], result["pages"], result["status"], result["error"]) for result in results]
    context.output.result(results, text=table(("id", "file", "pages", "status", "error"), rows, empty="Nothing was imported."))
    failed = [result for result in results if result["status"] == "FAILED"]
    if failed and not context.output.as_json:
        context.output.note(f"{len(failed)} of {len(results)} files could not be read.")
    return 1 if failed else 0


def _import_one(backend: Backend, path: Path, actor: Actor) -> dict[str, Any]:
    result: dict[str, Any] = {"file": str(path), "document_id": None, "pages": 0, "status": "FAILED", "error": None}
    with correlated() as correlation:
        result["correlation_id"] = correlation
        try:
            imported = backend.documents.import_file(path, actor=actor)
        except LecternError as error:
            return result | {"error": str(error)}
    return result | {"document_id": imported.document.id, "status": imported.document.status}


def _documents(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        found: list[DocumentRow] = []
        after, total = None, 0
        while True:
            part = backend.documents.listing(
                actor=actor, search=arguments.search, status=arguments.status, after=after, limit=min(LISTED, arguments.limit - len(found))
            )
            found.extend(part.rows)
            after, total = part.next_cursor, part.total
            if after is None or len(found) >= arguments.limit:
                break
    rows = [(row.id, row.title, row.kind, row.page_count, row.language, row.status, _audio(row)) for row in found]
    empty = NO_MATCH if arguments.search or arguments.status else EMPTY
    text = table(("id", "title", "kind", "pages", "lang", "status", "audio"), rows, empty=empty)
    if total > len(found):
        text += f"\n{len(found)} of {total} documents"
    context.output.result([_json(row) for row in found], text=text)
    return 0


def _audio(row: DocumentRow) -> str:
    audio = row.audio
    if audio.working:
        return f"{audio.ready} ready, {audio.working} to come"
    failed = f", {audio.failed} failed" if audio.failed else ""
    return f"{audio.ready} ready{failed}" if audio.ready or audio.failed else "none"


def _json(row: DocumentRow) -> dict[str, Any]:
    audio = row.audio
    return {
        "document_id": row.id,
        "title": row.title,
        "filename": row.filename,
        "kind": row.kind,
        "pages": row.page_count,
        "language": row.language,
        "status": row.status,
        "error": row.error,
        "size_bytes": row.size_bytes,
        "owner": row.owner,
        "created_at": row.created_at,
        "audios": audio.ready + audio.working + audio.failed,
        "audio": audio,
        "correlation_id": row.correlation_id,
    }


def _delete(context: Context) -> int:
    with context.backend() as (backend, actor):
        backend.documents.delete(context.arguments.document, actor=actor, typed_title=context.arguments.title)
    context.output.result({"deleted": context.arguments.document}, text="Deleted.")
    return 0


def _rename(context: Context) -> int:
    with context.backend() as (backend, actor):
        version = backend.documents.get(context.arguments.document, actor=actor).version
        row = backend.documents.rename(context.arguments.document, context.arguments.title, actor=actor, version=version)
    context.output.result({"document_id": row.id, "title": row.title}, text=f"Now called “{row.title}”.")
    return 0
