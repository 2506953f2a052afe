"""operators, sign-in, sign-out: who may use Lectern, and who this is."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

from backend_core.access.service import Operator
from backend_core.backend import Backend, open_backend, owner_dsn
from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.output import table
from backend_core.cli.signing_in import ask_new_password, ask_password, forget, keep
from backend_core.errors import InvalidInput, NotFound, SignInNeeded
from backend_core.policy import ROLES, Actor


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    command(commands, "sign-in", _sign_in, help="sign in with a password, for the commands that follow; --as says who")
    command(commands, "sign-out", _sign_out, help="end the session that sign-in began")
    parser = commands.add_parser("operators", help="who may use Lectern", description="who may use Lectern")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    command(verbs, "list", _list, help="list operators")
    _register_changes(verbs)
    command(verbs, "password", _password, help="change your own password", action="operator.password")
    sessions = command(verbs, "sessions", _sessions, help="list sessions that are still good")
    sessions.add_argument("--of", type=words, metavar="NAME", help="only of this operator")
    revoking = command(verbs, "revoke", _revoke, help="end a session at once")
    revoking.add_argument("session", type=words, metavar="SESSION")
    review = command(verbs, "review", _review, help="who may do what, since when, and when they last did")
    review.add_argument("--as-of", type=_moment, metavar="DATE", help="as it was at the end of that day, or at that time (UTC)")
    recovering = command(verbs, "recover", _recover, help="make somebody an administrator, as the owner of the database")
    recovering.add_argument("name", type=words)


def _register_changes(verbs: Subcommands) -> None:
    adding = command(verbs, "add", _add, help="add an operator", action="operator.add")
    adding.add_argument("name", type=words)
    adding.add_argument("--role", choices=ROLES, required=True)
    adding.add_argument("--email", type=words)
    adding.add_argument("--os-user", type=words, help="this user of this computer is let in without a password")
    adding.add_argument("--login", type=words, help="login on a shared server; the name when left out")
    editing = command(verbs, "edit", _edit, help="change name, address or user of this computer", action="operator.edit")
    editing.add_argument("operator", type=words, metavar="NAME")
    for option in ("--name", "--email", "--os-user"):
        editing.add_argument(option, type=words, help="empty to remove it" if option != "--name" else None)
    role = command(verbs, "role", _role, help="give an operator another role", action="operator.role")
    role.add_argument("operator", type=words, metavar="NAME")
    role.add_argument("role", choices=ROLES)
    for verb, run, text in (
        ("disable", _disable, "keep an operator out"),
        ("enable", _enable, "let an operator in again"),
        ("reset", _reset, "give an operator another password"),
    ):
        changing = command(verbs, verb, run, help=text, action=f"operator.{verb}")
        changing.add_argument("operator", type=words, metavar="NAME")
    handing = command(verbs, "hand-over", _hand_over, help="give everything one operator owns to another", action="operator.hand_over")
    handing.add_argument("old", type=words, metavar="FROM")
    handing.add_argument("new", type=words, metavar="TO")


def _moment(text: str) -> dt.datetime:
    """Parse a day, which means its end, or a time; without a zone it is UTC."""
    try:
        if "T" in text or " " in text:
            moment = dt.datetime.fromisoformat(text)
            return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time.max, dt.UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("write a day as 2026-11-21, or a time as 2026-11-21T14:30") from None


def _find(backend: Backend, text: str, actor: Actor) -> Operator:
    wanted = " ".join(text.split()).casefold()
    for operator in backend.access.listing(actor=actor):
        if wanted in {operator.name.casefold(), (operator.email or "").casefold(), str(operator.id)}:
            return operator
    raise NotFound(f"There is no operator {text}.")


def _sign_in(context: Context) -> int:
    name = context.arguments.as_name
    with open_backend(context.settings, application="command") as backend:
        if backend.access.shared:
            actor = backend.access.sign_in_here(reason=context.arguments.reason)
            context.output.result(
                {"name": actor.name, "role": actor.role}, text=f"You are {actor.name} ({actor.role}), by the server's login."
            )
            return 0
        if name is None:
            raise InvalidInput("Say who: lecternctl sign-in --as NAME.")
        signed = backend.access.sign_in(name, ask_password(f"Password of {name}"), reason=context.arguments.reason)
        keep(backend, signed)
        facts = {"name": signed.actor.name, "role": signed.actor.role, "expires_at": signed.expires_at, "must_change": signed.must_change}
        advice = " Somebody else chose your password; change it: lecternctl operators password." if signed.must_change else ""
        kept = f"{backend.credentials.sentence}{advice}"
    context.output.result(facts, text=f"Signed in as {signed.actor.name} ({signed.actor.role}). {kept}")
    return 0


def _sign_out(context: Context) -> int:
    try:
        with context.backend() as (backend, actor):
            backend.access.sign_out(actor)
            forget(backend)
    except SignInNeeded:
        # the session ended by itself
        context.output.note("Nobody was signed in.")
    context.output.result({"signed_out": True}, text="Signed out.")
    return 0


def _shown(operator: Operator) -> tuple[object, ...]:
    signed = "" if operator.last_sign_in is None else f"{operator.last_sign_in:%Y-%m-%d %H:%M}"
    way = "password" if operator.has_password else operator.db_login or operator.os_user or "none"
    return operator.id, operator.name, operator.role, operator.email, way, signed, "disabled" if operator.disabled else "active"


def _print(context: Context, operators: tuple[Operator, ...] | Operator) -> None:
    rows = operators if isinstance(operators, tuple) else (operators,)
    headings = ("id", "name", "role", "e-mail", "signs in by", "last sign-in (UTC)", "state")
    context.output.result(operators, text=table(headings, [_shown(row) for row in rows], empty="No operators."))


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.access.listing(actor=actor)
    _print(context, found)
    return 0


def _add(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        # a login of a shared server may be there already; and the user of this computer needs no password
        needed = not backend.access.shared and given.os_user is None
        password = ask_new_password(given.name, needed=needed) if needed or given.os_user is None else None
        added = backend.access.add(
            given.name, role=given.role, actor=actor, password=password, email=given.email, os_user=given.os_user, db_login=given.login
        )
    _print(context, added)
    return 0


def _edit(context: Context) -> int:
    given = context.arguments
    changes = {name: value for name in ("name", "email", "os_user") if (value := getattr(given, name)) is not None}
    if not changes:
        raise InvalidInput("Say what to change: --name, --email or --os-user.")
    with context.backend() as (backend, actor):
        operator = _find(backend, given.operator, actor)
        _print(context, backend.access.edit(operator.id, actor=actor, version=operator.version, **changes))
    return 0


def _role(context: Context) -> int:
    with context.backend() as (backend, actor):
        operator = _find(backend, context.arguments.operator, actor)
        _print(context, backend.access.set_role(operator.id, context.arguments.role, actor=actor))
    return 0


def _disable(context: Context) -> int:
    with context.backend() as (backend, actor):
        _print(context, backend.access.disable(_find(backend, context.arguments.operator, actor).id, actor=actor))
    return 0


def _enable(context: Context) -> int:
    with context.backend() as (backend, actor):
        _print(context, backend.access.enable(_find(backend, context.arguments.operator, actor).id, actor=actor))
    return 0


def _reset(context: Context) -> int:
    with context.backend() as (backend, actor):
        operator = _find(backend, context.arguments.operator, actor)
        backend.access.reset_password(operator.id, ask_new_password(operator.name) or "", actor=actor)
    context.output.result({"reset": operator.id}, text=f"{operator.name} has another password, and is asked to change it.")
    return 0


def _password(context: Context) -> int:
    with context.backend() as (backend, actor):
        old = ask_password(f"Password of {actor.name}") if backend.access.needs_password(actor) else ""
        signed = backend.access.change_password(old, ask_new_password(actor.name) or "", actor=actor)
        if signed is not None:
            keep(backend, signed)
    context.output.result({"changed": True}, text="Changed; every other session of yours has ended.")
    return 0


def _hand_over(context: Context) -> int:
    with context.backend() as (backend, actor):
        old, new = (_find(backend, text, actor) for text in (context.arguments.old, context.arguments.new))
        moved = backend.access.hand_over(old.id, new.id, actor=actor)
    context.output.result({"from": old.id, "to": new.id, "documents": moved}, text=f"{new.name} now owns {moved} documents of {old.name}.")
    return 0


def _sessions(context: Context) -> int:
    with context.backend() as (backend, actor):
        whose = None if context.arguments.of is None else _find(backend, context.arguments.of, actor).id
        found = backend.access.sessions(actor=actor, operator_id=whose)
    rows = [
        (row.id, row.operator, row.kind, row.workstation, f"{row.created_at:%Y-%m-%d %H:%M}", f"{row.last_seen_at:%Y-%m-%d %H:%M}")
        for row in found
    ]
    headings = ("session", "operator", "kind", "workstation", "since (UTC)", "last seen (UTC)")
    context.output.result(found, text=table(headings, rows, empty="Nobody is signed in with a session."))
    return 0


def _revoke(context: Context) -> int:
    with context.backend() as (backend, actor):
        backend.access.revoke_session(context.arguments.session, actor=actor)
    context.output.result({"revoked": context.arguments.session}, text="Ended.")
    return 0


def _review(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.access.review(actor=actor, as_of=context.arguments.as_of)
    rows = [
        (
            row.name,
            f"{row.role}{', disabled' if row.disabled else ''}",
            row.action,
            "own" if row.own_only else "",
            _day(row.since),
            _day(row.last_used),
        )
        for row in found
    ]
    headings = ("operator", "role", "may", "only", "since (UTC)", "last of the kind (UTC)")
    context.output.result(found, text=table(headings, rows, empty="No operators."))
    return 0


def _day(moment: dt.datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _recover(context: Context) -> int:
    given: Any = context.arguments
    with open_backend(context.settings, application="command") as backend:
        password = None if backend.access.shared else ask_new_password(given.name, needed=False)
        operator = backend.access.recover(given.name, owner_dsn(context.settings), password=password or None, reason=given.reason)
    _print(context, operator)
    return 0
