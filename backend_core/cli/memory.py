"""memory: what one conversation's container holds, searched, changed, let out and taken back in, one container at a time."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.forgetting import add_forgetting
from backend_core.cli.output import table
from backend_core.memory.records import Hit, Memory
from backend_core.memory.scoped import ScopedMemory
from backend_core.memory.tables import TYPES
from backend_core.scopes.records import Direct, Group

LISTED: Final = ("memory", "said (UTC)", "speaker", "type", "text")
FOUND: Final = ("score", "said (UTC)", "speaker", "text", "because")
SHOWN_PARTS: Final = 4
_WHY: Final = {
    "neighbour": "said nearby", "date": "date", "meaning": "meaning", "day": "same day", "speaker": "speaker",
    "first_person": "tells of oneself",
    "time": "tells a time", "number": "tells a number", "question": "only asks", "length": "length", "salience": "salience",
    "conflict": "contradicted later",
}  # fmt: skip


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser(
        "memory", help="what is remembered in one conversation", description="what is remembered in one conversation"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    adding = _of_one(verbs, "add", _add, "remember a text")
    adding.add_argument("text", type=words)
    adding.add_argument("--type", choices=TYPES, default="factual")
    adding.add_argument("--speaker", type=words, help="who said it; left out for a noted fact")
    adding.add_argument("--salience", type=float, default=0.5, help="how much it matters, 0 to 1")
    adding.add_argument("--said", type=_moment, metavar="TIME", help="when it was said; now when left out")
    adding.add_argument("--expires", type=_moment, metavar="TIME", help="when it stops to count")
    searching = _of_one(verbs, "search", _search, "find memories, best first, each with why; needs --reason")
    searching.add_argument("query", type=words)
    searching.add_argument("--limit", type=positive, default=10)
    searching.add_argument("--type", choices=TYPES, action="append", default=[])
    searching.add_argument("--mode", choices=("lexical", "hybrid", "vector"), default="hybrid", help="by words, by words and meaning")
    listing = _of_one(verbs, "list", _list, "list memories, newest first; needs --reason")
    listing.add_argument("--limit", type=positive, default=50)
    listing.add_argument("--type", choices=TYPES, action="append", default=[])
    listing.add_argument("--all", action="store_true", help="also those that are forgotten or over")
    changing = _of_one(verbs, "edit", _edit, "replace the text of a memory; the former one stays in its history")
    changing.add_argument("memory", type=_id)
    changing.add_argument("text", type=words)
    changing.add_argument("--version", type=positive, required=True, help="the version you read")
    telling = _of_one(verbs, "history", _history, "show the versions of a memory; needs --reason")
    telling.add_argument("memory", type=_id)
    _files(verbs)
    add_forgetting(verbs)


def _files(verbs: Subcommands) -> None:
    exporting = _of_one(verbs, "export", _export, "write all memories of a conversation to a ZIP file", action="memory.export")
    exporting.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    importing = _of_one(verbs, "import", _import, "take an export of this very conversation back in")
    importing.add_argument("file", type=Path, metavar="FILE")
    _of_one(verbs, "embed", _embed, "make the vectors that a conversation lacks")
    _of_one(verbs, "extract", _extract, "note the facts in the newest turns, by the service that is set up for it")


def _of_one(verbs: Subcommands, name: str, run: Any, text: str, *, action: str | None = None) -> argparse.ArgumentParser:
    parser = command(verbs, name, run, help=text, action=action)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--direct", nargs=2, type=words, metavar=("USER", "PERSONA"), help="a contact's phone or id, and a persona")
    where.add_argument("--group", type=words, metavar="GUID", help="a group chat")
    return parser


def _where(context: Context) -> Direct | Group:
    given = context.arguments
    return Group(given.group) if given.group is not None else Direct(*given.direct)


@contextlib.contextmanager
def _opened(context: Context, action: str = "memory.read", *, create: bool = False) -> Iterator[ScopedMemory]:
    with context.backend() as (backend, actor), backend.memory.scope(_where(context), actor=actor, action=action, create=create) as memory:
        yield memory


def _add(context: Context) -> int:
    given = context.arguments
    with _opened(context, "memory.add", create=True) as memory:
        made = memory.add(
            given.text, type=given.type, speaker=given.speaker, salience=given.salience, said_at=given.said, expires_at=given.expires
        )
    context.output.result(made, text=f"Remembered as {made.id}.")
    return 0


def _search(context: Context) -> int:
    given = context.arguments
    with _opened(context) as memory:
        found = memory.search(given.query, limit=given.limit, types=given.type, mode=given.mode)
        meaning = memory.meaning()
    rows = [(f"{hit.score:.2f}", _time(hit.memory.said_at), hit.memory.speaker, hit.memory.text, _because(hit)) for hit in found]
    note = [meaning.sentence] if given.mode != "lexical" and meaning.model is None else []
    context.output.result(found, text="\n".join([*note, table(FOUND, rows, empty="Nothing here fits.")]))
    return 0


def _because(hit: Hit) -> str:
    parts = [part for part in hit.parts if part.why not in ("length", "salience")][:SHOWN_PARTS]
    return ", ".join(" ".join(filter(None, (part.term, _WHY.get(part.why)))) for part in parts)


def _list(context: Context) -> int:
    given = context.arguments
    with _opened(context) as memory:
        found = memory.list(limit=given.limit, types=given.type, include_forgotten=given.all)
    context.output.result(found, text=_table(found))
    return 0


def _edit(context: Context) -> int:
    given = context.arguments
    with _opened(context, "memory.edit") as memory:
        made = memory.update(given.memory, text=given.text, version=given.version)
    context.output.result(made, text=f"That is version {made.version} now.")
    return 0


def _history(context: Context) -> int:
    with _opened(context) as memory:
        found = memory.history(context.arguments.memory)
    rows = [(one.version, _time(one.changed_at), one.changed_by, one.text) for one in found]
    context.output.result(found, text=table(("version", "until (UTC)", "changed by", "text"), rows, empty=""))
    return 0


def _export(context: Context) -> int:
    with _opened(context, "memory.export") as memory:
        made = memory.export(context.arguments.output)
    text = f"{made.memories} memories with {made.versions} former versions in {context.arguments.output}. SHA-256 {made.sha256}"
    context.output.result(made, text=text)
    return 0


def _import(context: Context) -> int:
    with _opened(context, "memory.import") as memory:
        done = memory.import_(context.arguments.file)
    context.output.result(done, text=f"{done.added} memories taken in, {done.known} were there already.")
    return 0


def _embed(context: Context) -> int:
    with context.backend() as (backend, actor):
        done = backend.memory.embed(_where(context), actor=actor)
    context.output.result(done, text=f"{done.made} vectors made by {done.model}.")
    return 0


def _extract(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.memory.extract(_where(context), actor=actor)
    context.output.result({"facts": found}, text=f"{found} facts noted.")
    return 0


def _table(found: tuple[Memory, ...]) -> str:
    rows = [(str(one.id), _time(one.said_at), one.speaker, one.type, one.text) for one in found]
    return table(LISTED, rows, empty="Nothing is remembered here.")


def _time(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M}"


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a time as 2026-10-01 or 2026-10-01T08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not the id of a memory") from None
