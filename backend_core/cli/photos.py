"""photos: take one in, see where it is, and how often people ask about one too early."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.egress import identifier
from backend_core.errors import InvalidInput
from backend_core.scopes.records import Direct, Group

MOST_WAIT_S: Final = 600.0


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("photos", help="photos people send", description="photos people send")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    adding = command(verbs, "add", _add, help="take in a photo; only a copy without place, time and device is kept")
    adding.add_argument("file", type=Path, metavar="FILE")
    where = adding.add_mutually_exclusive_group(required=True)
    where.add_argument("--direct", nargs=2, type=words, metavar=("USER", "PERSONA"), help="of a contact with a persona")
    where.add_argument("--group", type=words, metavar="GUID", help="of a group; needs --sender")
    adding.add_argument("--guid", type=words, required=True, help="as the messenger names the attachment; the same one is taken in once")
    adding.add_argument("--sender", type=words, help="id or telephone number of who sent it")
    adding.add_argument("--caption", type=words, default="", help="what was written with it")
    status = command(verbs, "status", _status, help="say where a photo is, without a word of what it shows")
    status.add_argument("photo", type=identifier)
    status.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait so long until it is ready")
    looking = command(verbs, "look", _look, help="look at a photo that was deferred, or could not be looked at")
    looking.add_argument("photo", type=identifier)
    command(verbs, "follow-ups", _follow_ups, help="how often people asked about a photo before it was ready, within 30 days")


def _add(context: Context) -> int:
    given = context.arguments
    where = Group(given.group) if given.direct is None else Direct(*given.direct)
    facts = {"attachment_guid": given.guid, "sender": given.sender, "caption": given.caption}
    with context.backend() as (backend, actor):
        photo = backend.photos.attach(where, given.file, **facts, actor=actor)
    told = {"photo_id": str(photo.id), "status": photo.status, "width": photo.width, "height": photo.height, "bytes": photo.size_bytes}
    context.output.result(told, text=f"{photo.id}  {photo.status}, {photo.width} × {photo.height}")
    return 0


def _status(context: Context) -> int:
    given = context.arguments
    if not 0 <= given.wait <= MOST_WAIT_S:
        raise InvalidInput(f"Wait 0 to {MOST_WAIT_S:.0f} seconds.")
    with context.backend() as (backend, actor):
        bar = partial(_bar, context)
        found = backend.photos.wait_ready(given.photo, actor=actor, timeout_s=given.wait, progress=bar if given.wait else None)
    context.output.result(found, text=found.sentence)
    return 0


def _bar(context: Context, waited: float, limit: float) -> None:
    context.output.progress(round(10 * waited), round(10 * limit), what="Looking")


def _look(context: Context) -> int:
    with context.backend() as (backend, actor):
        job = backend.photos.analyse(context.arguments.photo, actor=actor)
    context.output.result({"job_id": job}, text=f"Job {job} looks at it.")
    return 0


def _follow_ups(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.photos.follow_ups(actor=actor)
    took = "" if found.p50_s is None else f" Half of them were ready within {found.p50_s:.1f} s, 95 % within {found.p95_s:.1f} s."
    text = (
        f"{found.photos} photos; {found.asked} ({100 * found.share:.1f} %) were asked about before they were ready, in {found.questions}"
        f" messages: {found.resolved} answered later, {found.unresolved} not, {found.waiting} waiting.{took}"
    )
    context.output.result({"days": 30, "share": found.share, "figures": found}, text=text)
    return 0
