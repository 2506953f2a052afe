"""people and conversations: contacts, what is known about one of them, and what was said where."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final

from backend_core.backend import Backend
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.forgetting import add_person_commands, one_contact
from backend_core.cli.output import table
from backend_core.conversations.records import ConversationRow, Person
from backend_core.errors import InvalidInput, NotFound
from backend_core.policy import Actor

CONTACTS: Final = ("contact", "name", "phone", "messages", "last wrote (UTC)")
TALKS: Final = ("conversation", "kind", "persona", "members", "messages", "latest (UTC)", "title")
WHO: Final = "a name, telephone number or mail address that means one contact, or the contact's id"
WHICH: Final = "id of the conversation, or words that mean one"


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("people", help="contacts: those who talk with personas", description="contacts")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _people, help="list contacts by name")
    listing.add_argument("query", nargs="?", default="", type=words, help="words of a name, a telephone number, a mail address")
    listing.add_argument("--limit", type=positive, default=100)
    showing = command(verbs, "show", _person, help="show everything about a contact but what was said")
    showing.add_argument("who", type=words, help=WHO)
    showing.add_argument(
        "--reveal",
        action="store_true",
        help="the whole number and address; needs --reason",
    )
    adding = command(verbs, "add", _add, help="add a contact")
    adding.add_argument("name", type=words)
    for option, meaning in (("phone", "with its country code"), ("email", "a mail address"), ("language", "such as de or pt-BR")):
        adding.add_argument(f"--{option}", type=words, help=meaning)
    add_person_commands(verbs)
    talks = commands.add_parser("conversations", help="what was said, conversation by conversation", description="conversations")
    verbs = talks.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _talks, help="list conversations, the latest first")
    listing.add_argument("query", nargs="?", default="", type=words, help="words of titles and names")
    listing.add_argument("--kind", choices=("direct", "group"))
    listing.add_argument("--limit", type=positive, default=100)
    showing = command(verbs, "show", _talk, help="open a conversation; needs --reason")
    showing.add_argument("conversation", type=words, help=WHICH)
    showing.add_argument("--limit", type=positive, default=50)
    importing = command(verbs, "import", _import, help="take in a file of JSON lines (docs/messages.md)")
    importing.add_argument("file", type=Path)


def _people(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        found = backend.people.contacts(given.query, limit=given.limit, actor=actor)
    rows = [(str(one.id), one.name, one.phone, one.messages, _time(one.last_at)) for one in found]
    context.output.result(found, text=table(CONTACTS, rows, empty="No contact."))
    return 0


def _person(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        found = backend.people.contact(one_contact(backend, given.who, actor), actor=actor)
        revealed = backend.people.reveal(found.contact.id, actor=actor) if given.reveal else None
    value = {"person": found, "revealed": revealed} if revealed else {"person": found}
    lines = _lines(found) if revealed is None else [f"{revealed.phone or 'no number'}, {revealed.email or 'no address'}", *_lines(found)]
    context.output.result(value, text="\n".join(lines))
    return 0


def _lines(person: Person) -> list[str]:
    contact = person.contact
    head = f"{contact.name}, {contact.phone or 'no number'}, {contact.email or 'no address'}, id {contact.id}"
    held = [(one.kind, one.persona, one.memories, one.forgotten, one.messages, _time(one.last_at), one.title) for one in person.containers]
    headings = ("kind", "persona", "memories", "forgotten", "messages", "latest (UTC)", "title")
    lines = [head, "", table(headings, held, empty="No conversation.")]
    lines += [f"Document {one.id}: {one.title} ({one.status})" for one in person.documents]
    lines += [f"Access to {one.provider}, until {_time(one.expires_at)}" for one in person.sessions]
    lines += [f"{_time(one.at)}: {one.what}" for one in person.failures]
    if person.reads is None:
        return [*lines, "", "Who read what is shown to administrators."]
    reads = [(_time(one.at), one.actor, one.action, one.outcome, one.reason or "") for one in person.reads]
    return [*lines, "", table(("at (UTC)", "actor", "action", "outcome", "reason"), reads, empty="Nobody read anything yet.")]


def _add(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        made = backend.people.add_contact(given.name, phone=given.phone, email=given.email, language=given.language, actor=actor)
    context.output.result(made, text=f"{made.name} is contact {made.id}.")
    return 0


def _talks(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        found = backend.conversations.listing(query=given.query, kind=given.kind, limit=given.limit, actor=actor)
    rows = [(str(one.id), one.kind, one.persona, one.members, one.messages, _time(one.last_at), one.title) for one in found]
    context.output.result(found, text=table(TALKS, rows, empty="No conversation."))
    return 0


def _talk(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        found = _conversation(backend, given.conversation, actor)
        page = backend.conversations.messages(found.id, limit=given.limit, actor=actor)
    rows = [(_time(one.at), one.sender, one.text) for one in page.rows]
    text = table(("at (UTC)", "from", found.title), rows, empty="Nothing was said yet.")
    context.output.result({"conversation": found, "messages": page.rows, "before": page.before}, text=text)
    return 0


def _import(context: Context) -> int:
    with context.backend() as (backend, actor):
        made = backend.conversations.import_messages(context.arguments.file, actor=actor, progress=context.output.progress)
    lines = [
        f"{made.messages} messages, {made.contacts} contacts and {made.conversations} groups taken in; {made.again} were here already.",
        *(f"Line {one.line} was left out: {one.sentence}" for one in made.problems),
    ]
    if made.refused > len(made.problems):
        lines.append(f"{made.refused - len(made.problems)} more lines were left out.")
    context.output.result(made, text="\n".join(lines))
    return 0 if made.refused == 0 else 1


def _conversation(backend: Backend, which: str, actor: Actor) -> ConversationRow:
    """Return the one conversation that is meant."""
    try:
        return backend.conversations.conversation(uuid.UUID(which), actor=actor)
    except ValueError:
        found = backend.conversations.listing(query=which, limit=2, actor=actor)
    if not found:
        raise NotFound("There is no such conversation.")
    if len(found) > 1:
        raise InvalidInput("More than one conversation is meant; give its id.")
    return found[0]


def _time(at: object) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
