"""memory forget, restore, boundaries and receipt; people export and erase: what docs/forgetting.md describes."""

from __future__ import annotations

import argparse
import uuid
from pathlib import Path
from typing import Any, Final

from backend_core.backend import Backend
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.output import table
from backend_core.errors import InvalidInput, NotFound
from backend_core.memory.commands import FORGET, Command
from backend_core.memory.forget import LAST, What
from backend_core.memory.forget_records import Boundary, Forgotten, Preview, ReceiptVerdict
from backend_core.memory.receipt_book import verify_alone
from backend_core.policy import Actor
from backend_core.scopes.records import Direct, Group

WHO: Final = "a name, telephone number or mail address that means one contact, or the contact's id"
ITEMS: Final = ("store", "why", "at (UTC)", "from", "what")
RULES: Final = ("boundary", "kind", "set by", "since (UTC)", "lifted", "topic")


def add_forgetting(verbs: Subcommands) -> None:
    """Add what concerns forgetting to ``memory``."""
    forgetting = command(verbs, "forget", _forget, help="forget something in one conversation")
    _where(forgetting)
    what = forgetting.add_mutually_exclusive_group(required=True)
    what.add_argument("--last", action="store_true", help="the last thing said")
    what.add_argument("--about", type=words, metavar="TEXT", help="everything about a topic")
    what.add_argument("--id", type=_id, action="append", metavar="ID", help="a memory; may be given more than once")
    forgetting.add_argument("--preview", action="store_true", help="show what would go and what stays; needs --reason")
    forgetting.add_argument("--hard", action="store_true", help="erase at once; it cannot be restored")
    restoring = command(verbs, "restore", _restore, help="bring back what was forgotten, until it is erased")
    _where(restoring)
    restoring.add_argument("erasure", type=_id, help="as `memory forget` named it")
    ruling = command(verbs, "boundaries", _boundaries, help="list, add or lift boundaries of one conversation; listing needs --reason")
    _where(ruling)
    change = ruling.add_mutually_exclusive_group()
    change.add_argument("--add", nargs=2, type=words, metavar=("KIND", "TOPIC"), help="KIND is hide (unless the contact asks) or never")
    change.add_argument("--lift", type=_id, metavar="ID", help="end a boundary")
    change.add_argument("--all", action="store_true", help="also those that were lifted")
    receipt = verbs.add_parser("receipt", help="proofs that something was erased", description="proofs that something was erased")
    _receipts(receipt.add_subparsers(dest="part", required=True, metavar="VERB"))


def _receipts(verbs: Subcommands) -> None:
    listing = command(verbs, "list", _list_receipts, help="list receipts, newest first")
    listing.add_argument("--limit", type=positive, default=50)
    saving = command(verbs, "save", _save_receipt, help="write a receipt to a file that proves itself")
    saving.add_argument("receipt", type=_id, metavar="ID")
    saving.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    checking = command(verbs, "verify", _verify, help="check a receipt")
    checking.add_argument("file", type=Path, metavar="FILE")
    checking.add_argument("--key", type=words, metavar="KEY_ID", help="the key you remember; then no database is needed")


def add_person_commands(verbs: Subcommands) -> None:
    """Add export and erasure to ``people``."""
    exporting = command(verbs, "export", _export, help="write everything about a contact to a ZIP file", action="contact.export")
    exporting.add_argument("who", type=words, help=WHO)
    exporting.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    erasing = command(verbs, "erase", _erase, help="erase everything about a contact in 30 days", action="contact.erase")
    erasing.add_argument("who", type=words, help=WHO)
    how = erasing.add_mutually_exclusive_group(required=True)
    how.add_argument("--name", type=words, help="the contact's name, exactly as it is written")
    how.add_argument("--cancel", action="store_true", help="call it off")


def _where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--direct", nargs=2, type=words, metavar=("USER", "PERSONA"), help="a contact's talk with a persona")
    where.add_argument("--group", type=words, metavar="GUID", help="a group chat")


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not an id") from None


def _place(context: Context) -> Direct | Group:
    given = context.arguments
    return Group(given.group) if given.group is not None else Direct(*given.direct)


def _what(context: Context) -> What:
    given = context.arguments
    if given.about is not None:
        return Command(kind=FORGET, about=given.about, language="en")
    return tuple(given.id) if given.id else LAST


def _forget(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        if given.preview:
            shown = backend.forgetting.preview(_place(context), _what(context), actor=actor)
            context.output.result(shown, text=_shown(shown))
            return 0
        done = backend.forgetting.forget(_place(context), _what(context), hard=given.hard, actor=actor)
    context.output.result(done, text=_done(done))
    return 0 if done.question is None else 1


def _shown(preview: Preview) -> str:
    if preview.question is not None:
        return preview.question
    if preview.already:
        return "That is forgotten already."
    rows = [(one.store, one.why, _time(one.at), one.speaker or "", one.text) for one in preview.items]
    lines = [f"In {preview.masked}:", table(ITEMS, rows, empty="Nothing would go.")]
    lines += [_counts(preview.counts)] if rows else []
    if preview.stays:
        kept = [(one.store, one.why, _time(one.at), one.speaker or "", one.text) for one in preview.stays]
        lines += ["", "What stays:", table(ITEMS, kept, empty="")]
    return "\n".join(lines)


def _done(done: Forgotten) -> str:
    if done.question is not None:
        return done.question
    if done.already:
        return "That is forgotten already."
    if done.erasure_id is None:
        return "Nothing is known of that here."
    if done.receipt is not None:
        return f"Erased {_counts(done.counts)}. Receipt {done.receipt.id}"
    return f"Forgotten {_counts(done.counts)}. Until {_time(done.purge_after)} it can be restored as {done.erasure_id}"


def _counts(counts: Any) -> str:
    return ", ".join(f"{count} {store.replace('_', ' ')}" for store, count in counts.items() if count) or "nothing"


def _restore(context: Context) -> int:
    with context.backend() as (backend, actor):
        made = backend.forgetting.restore(_place(context), context.arguments.erasure, actor=actor)
    context.output.result(made, text=f"Restored {_counts(made.counts)}.")
    return 0


def _boundaries(context: Context) -> int:
    given, where = context.arguments, _place(context)
    with context.backend() as (backend, actor):
        if given.add is not None:
            kind, topic = given.add
            made: tuple[Boundary, ...] = (backend.forgetting.add_boundary(where, kind, topic, actor=actor),)
        elif given.lift is not None:
            made = (backend.forgetting.lift_boundary(where, given.lift, actor=actor),)
        else:
            made = backend.forgetting.boundaries(where, actor=actor, lifted=given.all)
    rows = [(str(one.id), one.kind, one.set_by, _time(one.created_at), _time(one.lifted_at), one.topic) for one in made]
    context.output.result(made, text=table(RULES, rows, empty="No boundaries."))
    return 0


def _list_receipts(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.forgetting.receipts(actor=actor, limit=context.arguments.limit)
    rows = [(str(one.id), _time(one.at), one.kind, one.key_id) for one in found]
    context.output.result(found, text=table(("receipt", "at (UTC)", "of", "key"), rows, empty="No receipts."))
    return 0


def _save_receipt(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        made = backend.forgetting.save_receipt(given.receipt, given.output, actor=actor)
    context.output.result(made, text=f"Receipt {made.id} is in {given.output}.")
    return 0


def _verify(context: Context) -> int:
    given = context.arguments
    if given.key is not None:
        found = verify_alone(given.file, key_id=given.key)
    else:
        with context.backend() as (backend, actor):
            found = backend.forgetting.verify_receipt(given.file, actor=actor)
    context.output.result(found, text=_verdict(found))
    return 0 if found.ok else 1


def _verdict(found: ReceiptVerdict) -> str:
    lines = [sentence for _, sentence in found.problems]
    if not found.ok:
        return "\n".join([*lines, "The receipt does not verify."])
    facts = found.facts
    lines += [f"{facts['kind']}, asked by {facts['asked_by']} at {facts['asked_at']}, erased at {facts['erased_at']}"]
    lines += [_counts(facts["counts"])]
    lines += [f"{one['where']}: {one['note']}" + (f" Until {one['until']}" if one["until"] else "") for one in facts["remains"]]
    unknown = " Whether the audit log knows that key, an administrator or auditor can tell." if found.known_key is None else ""
    return "\n".join([*lines, f"The receipt verifies, signed by {found.key_id}.{unknown}"])


def _export(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        made = backend.forgetting.export_person(
            one_contact(backend, given.who, actor), given.output, actor=actor, progress=context.output.progress
        )
    context.output.result(made, text=f"{made.files} files in {given.output}. SHA-256 {made.sha256}")
    return 0


def _erase(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        user = one_contact(backend, given.who, actor)
        if given.cancel:
            made = backend.forgetting.cancel_erasure(user, actor=actor)
        else:
            made = backend.forgetting.request_erasure(user, given.name, actor=actor)
    text = "Called off." if given.cancel else f"Everything about this contact is erased after {_time(made.due_at)}; until then --cancel."
    context.output.result(made, text=text)
    return 0


def one_contact(backend: Backend, who: str, actor: Actor) -> uuid.UUID:
    """Return the id of the one contact that is meant by an id, a name, a number or an address.

    Raises:
        NotFound: nobody.
        InvalidInput: more than one.
    """
    try:
        return uuid.UUID(who)
    except ValueError:
        found = backend.people.contacts(who, limit=2, actor=actor)
    if not found:
        raise NotFound("There is no such contact.")
    if len(found) > 1:
        raise InvalidInput("More than one contact is meant; give the id, the number or the address.")
    return found[0].id


def _time(at: object) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
