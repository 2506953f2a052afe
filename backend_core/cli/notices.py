"""notices: what should be known, who keeps it quiet, and how it leaves by mail or webhook."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from pathlib import Path
from typing import Final

from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.egress import moment, secret_of
from backend_core.cli.output import table
from backend_core.notices.records import CHANNELS, Notice

_SPAN: Final = re.compile(r"(?P<number>[1-9][0-9]{0,3})(?P<unit>[mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
LISTED: Final = ("id", "", "since (UTC)", "times", "what", "about", "in words")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    what = "what should be known, and where it goes"
    parser = commands.add_parser("notices", help=what, description=what)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, help="list notices, newest first")
    listing.add_argument("--open", action="store_true", help="only those that last and nobody acknowledged")
    listing.add_argument("--limit", type=positive, default=50)
    acknowledging = command(verbs, "ack", _ack, help="say that somebody looks after it")
    acknowledging.add_argument("notice", type=positive)
    acknowledging.add_argument("--note", type=words, default="")
    silencing = command(verbs, "silence", _silence, help="tell nobody of a kind of notice for a while", action="notice.silence")
    silencing.add_argument("kind", type=words, help="as the list shows it, such as pool_full")
    silencing.add_argument("subject", type=words, nargs="?", default="", help="only this one; every one of the kind when left out")
    silencing.add_argument("--for", type=span, required=True, dest="span", metavar="TIME", help="such as 30m, 4h or 2d; at most 30d")
    command(verbs, "silences", _silences, help="list the silences that hold")
    lifting = command(verbs, "lift", _lift, help="end a silence", action="notice.silence")
    lifting.add_argument("silence", type=positive)
    command(verbs, "channels", _channels, help="say how mail and webhook are")
    testing = command(verbs, "test", _test, help="send a message of no consequence", action="notice.test")
    testing.add_argument("channel", choices=CHANNELS)
    secret = command(verbs, "secret", _secret, help="keep the mail password or the webhook key in the vault of this computer")
    secret.add_argument("channel", choices=CHANNELS)
    secret.add_argument("--secret-file", type=Path, metavar="FILE", help="holds it; asked for when left out")
    secret.add_argument("--forget", action="store_true", help="forget it instead")


def span(text: str) -> dt.timedelta:
    """Parse a span of time.

    >>> span("90m")
    datetime.timedelta(seconds=5400)
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError("is not a time such as 30m, 4h or 2d")
    return dt.timedelta(**{_UNITS[found["unit"]]: int(found["number"])})


def _list(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        found = backend.notices.listing(actor=actor, open_only=given.open, limit=given.limit)
    rows = [(one.id, _state(one), moment(one.raised_at), one.times, one.kind, one.subject, one.body) for one in found]
    context.output.result(found, text=table(LISTED, rows, empty="There is nothing to know."))
    return 0


def _state(one: Notice) -> str:
    if not one.live:
        return "over"
    if one.acknowledged_at is not None:
        return "seen to"
    return "silenced" if one.quiet_until is not None else one.severity


def _ack(context: Context) -> int:
    with context.backend() as (backend, actor):
        one = backend.notices.acknowledge(context.arguments.notice, context.arguments.note, actor=actor)
    context.output.result(one, text="Acknowledged.")
    return 0


def _silence(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        one = backend.notices.silence(given.kind, given.subject, dt.datetime.now(dt.UTC) + given.span, actor=actor)
    context.output.result(one, text=f"Silence {one.id}: nobody is told of {one.kind} until {moment(one.until)} UTC.")
    return 0


def _silences(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.notices.silences(actor=actor)
    rows = [(one.id, one.kind, one.subject or "all", moment(one.until), one.created_by, one.reason) for one in found]
    context.output.result(found, text=table(("id", "what", "about", "until (UTC)", "by", "why"), rows, empty="Nothing is silenced."))
    return 0


def _lift(context: Context) -> int:
    with context.backend() as (backend, actor):
        one = backend.notices.lift(context.arguments.silence, actor=actor)
    context.output.result(one, text=f"People are told of {one.kind} again.")
    return 0


def _channels(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.notices.channels(actor=actor)
    rows = [(one.name, "on" if one.on else "off", one.where, one.waiting, one.failed, one.sentence) for one in found]
    context.output.result(found, text=table(("channel", "", "where", "wait", "given up, 24 h", "in words"), rows, empty=""))
    return 0 if all(one.ready for one in found if one.on) else 1


def _test(context: Context) -> int:
    with context.backend() as (backend, actor):
        host = backend.notices.test(context.arguments.channel, actor=actor)
    context.output.result({"channel": context.arguments.channel, "host": host}, text=f"{host} took the message.")
    return 0


def _secret(context: Context) -> int:
    given = context.arguments
    secret = "" if given.forget else secret_of(given.secret_file, "Password" if given.channel == CHANNELS[0] else "Key")
    with context.backend() as (backend, actor):
        backend.notices.set_secret(given.channel, secret, actor=actor)
        kept = backend.credentials.sentence
    told = "It is forgotten on this computer." if not secret else f"It is kept on this computer. {kept}"
    context.output.result({"channel": given.channel, "kept": bool(secret)}, text=told)
    return 0
