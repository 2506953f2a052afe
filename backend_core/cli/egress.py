"""egress and tokens: what may leave for which host, what did, and access to other services in a contact's name."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import Final

from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.output import table
from backend_core.credentials.token_records import TokenRow
from backend_core.errors import InvalidInput
from backend_core.safety.egress import PURPOSES

LONGEST_SECRET_FILE: Final = 4096


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("egress", help="what may leave, and what did", description="what may leave, and what did")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, help="list what may leave for which host")
    listing.add_argument("--all", action="store_true", help="also what was withdrawn")
    for name, run, what, action in (
        ("allow", _allow, "let text leave for one purpose to one host", "egress.allow"),
        ("withdraw", _withdraw, "let nothing more leave for this purpose to this host", None),
    ):
        verb = command(verbs, name, run, help=what, action=action)
        verb.add_argument("purpose", choices=tuple(PURPOSES))
        verb.add_argument("host", type=words, help="such as api.example.com, or localhost:11434 on this computer")
    ledger = command(verbs, "ledger", _ledger, help="list what left, newest first")
    ledger.add_argument("--limit", type=positive, default=50)
    _tokens(commands)


def _tokens(commands: Subcommands) -> None:
    what = "access to other services in a contact's name"
    parser = commands.add_parser("tokens", help=what, description=what)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _token_list, help="list tokens, never their values")
    listing.add_argument("--contact", type=identifier, help="of this contact only")
    command(verbs, "rotate", _rotate, help="seal every token under a new key", action="token.rotate")
    revoking = command(verbs, "revoke", _revoke, help="forget a token")
    revoking.add_argument("which", metavar="TOKEN", type=identifier)
    service = command(verbs, "service", _service, help="say how a service renews tokens; kept in the vault of this computer")
    service.add_argument("name", type=words)
    service.add_argument("--token-url", type=words, required=True, metavar="URL")
    service.add_argument("--client-id", type=words, required=True, metavar="ID")
    service.add_argument("--secret-file", type=Path, metavar="FILE", help="holds the client's secret; asked for when left out")
    service.add_argument("--public", action="store_true", help="the client has no secret")


def identifier(text: str) -> uuid.UUID:
    """Parse an id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not an id as the list shows it") from None


def secret_of(path: Path | None, what: str) -> str:
    """Return a secret from a file, or as it is typed; it is never an argument, which other people could see.

    Raises:
        InvalidInput: the file cannot be read, or nobody is there to type.
    """
    if path is None:
        if not sys.stdin.isatty():
            raise InvalidInput("Run this at a terminal, or name a file that holds it.")
        return getpass.getpass(f"{what}: ")
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_SECRET_FILE).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InvalidInput("That file cannot be read.") from None


def moment(at: dt.datetime) -> str:
    """Return a time as lists show it."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.egress.consents(actor=actor, withdrawn=context.arguments.all)
        sums = {(one.purpose, one.host): one for one in backend.egress.totals(actor=actor)}
    rows = []
    for one in found:
        left = sums.get((one.purpose, one.host))
        ended = "-" if one.withdrawn_at is None else f"{moment(one.withdrawn_at)} by {one.withdrawn_by}"
        rows.append(
            (one.purpose, one.host, one.given_by, moment(one.given_at), left.requests if left else 0, left.bytes if left else 0, ended)
        )
    headings = ("purpose", "host", "allowed by", "at (UTC)", "requests, 30 days", "bytes", "withdrawn")
    context.output.result(found, text=table(headings, rows, empty="Nothing may leave."))
    return 0


def _allow(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        consent = backend.egress.allow(given.purpose, given.host, actor=actor)
    context.output.result(consent, text=f"{PURPOSES[consent.purpose]} may leave for {consent.host} from now on.")
    return 0


def _withdraw(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        consent = backend.egress.withdraw(given.purpose, given.host, actor=actor)
    context.output.result(consent, text=f"Nothing more leaves for {consent.host} for {consent.purpose}.")
    return 0


def _ledger(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.egress.ledger(actor=actor, limit=context.arguments.limit)
    rows = [(moment(one.at), one.purpose, one.host, one.bytes, one.actor, one.correlation_id) for one in found]
    headings = ("at (UTC)", "purpose", "host", "bytes", "on behalf of", "correlation")
    context.output.result(found, text=table(headings, rows, empty="Nothing has left."))
    return 0


def _token_list(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.tokens.listing(actor=actor, user_id=context.arguments.contact)
    rows = [(one.id, one.provider, one.user_id, moment(one.expires_at), _state(one)) for one in found]
    context.output.result(found, text=table(("token", "service", "contact", "ends (UTC)", "state"), rows, empty="There are no tokens."))
    return 0


def _state(token: TokenRow) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.failures:
        return f"not renewed, {token.failures} attempts"
    if not token.renewable:
        return "cannot be renewed"
    return "renewed by this computer" if token.key_here else "its key is on another computer"


def _rotate(context: Context) -> int:
    with context.backend() as (backend, actor):
        done = backend.tokens.rotate(actor=actor, progress=partial(context.output.progress, what="Sealing"))
    text = f"{done.tokens} tokens are sealed under a new key."
    if done.elsewhere:
        text += f" {done.elsewhere} are sealed by another computer and stay as they are."
    if done.damaged:
        text += f" {done.damaged} do not open and keep their key."
    context.output.result(done, text=text)
    return 0


def _revoke(context: Context) -> int:
    with context.backend() as (backend, actor):
        done = backend.tokens.revoke(context.arguments.which, actor=actor)
    context.output.result(done, text=f"The access to {done.provider} is forgotten here; the service itself may still know it.")
    return 0


def _service(context: Context) -> int:
    given = context.arguments
    secret = "" if given.public else secret_of(given.secret_file, "Secret of the client")
    facts = {"token_url": given.token_url, "client_id": given.client_id, "client_secret": secret}
    with context.backend() as (backend, actor):
        host = backend.oauth.set_up(given.name, **facts, actor=actor)
        allowed = host in backend.egress.hosts("oauth")
    text = f"{given.name} is set up." + ("" if allowed else f" Now `lecternctl egress allow oauth {host}` lets its tokens be sent there.")
    context.output.result({"service": given.name, "host": host, "allowed": allowed}, text=text)
    return 0
