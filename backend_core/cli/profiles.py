"""profiles list, show, add, edit, test, remove: the sets of data this person works on."""

from __future__ import annotations

import argparse
from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command, profile, words
from backend_core.cli.output import table
from backend_core.cli.signing_in import ask_password
from backend_core.homes import home_folder
from backend_core.profiles.records import COLOURS, EMBEDDED, MOST_PORT, SERVER, SSL_MODES, STORED, ProfileFacts
from backend_core.profiles.service import Profiles
from backend_core.profiles.trial import Trial

HEADINGS: Final = ("profile", "title", "kind", "leads to", "notes")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("profiles", help="sets of data to work on", description="sets of data to work on")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    command(verbs, "list", _list, help="list the profiles")
    adding = command(verbs, "add", _add, help="add a profile; --host makes it one of a server")
    editing = command(verbs, "edit", _edit, help="change a profile")
    for one in (adding, editing):
        _describe(one)
    editing.add_argument("--forget-password", action="store_true", help="forget the password of the server")
    for name, run, text in (("show", _show, "show a profile"), ("test", _test, "try what a profile leads to")):
        command(verbs, name, run, help=text).add_argument("name", type=profile)
    removing = command(verbs, "remove", _remove, help="take a profile off the list and forget its secrets")
    removing.add_argument("name", type=profile)
    removing.add_argument("--erase", action="store_true", help="remove its folder too, with database and files, for good")


def _describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=profile)
    parser.add_argument("--title", type=words, help="what it is called")
    parser.add_argument("--colour", choices=COLOURS, help="tone of its window")
    parser.add_argument("--host", type=words, help="the server: a name, an address, or the folder of a socket")
    parser.add_argument("--port", type=int, help=f"1 to {MOST_PORT}")
    parser.add_argument("--database", type=words)
    parser.add_argument("--user", type=words, help="login on the server")
    parser.add_argument("--sslmode", choices=SSL_MODES, help="protection; verify-full is needed off this computer")
    parser.add_argument("--sslrootcert", type=words, metavar="FILE", help="the authority that vouches for the server, or `system`")
    parser.add_argument("--read-only", action=argparse.BooleanOptionalAction, help="change nothing through it")
    parser.add_argument("--production", action=argparse.BooleanOptionalAction, help="ask a reason for every change")
    parser.add_argument(
        "--password", action="store_true", help="ask for the password, or read it from LECTERN_PASSWORD_FILE; the vault keeps it"
    )


def _profiles() -> Profiles:
    return Profiles(home_folder(None))


def _given(context: Context) -> dict[str, Any]:
    return {name: value for name in STORED if (value := getattr(context.arguments, name, None)) is not None}


def _list(context: Context) -> int:
    rows = _profiles().listing()
    shown = [(row.name or "-", row.title, row.kind, _leads_to(row), _notes(row)) for row in rows]
    context.output.result(rows, text=table(HEADINGS, shown, empty=""))
    return 0


def _show(context: Context) -> int:
    facts = _profiles().get(context.arguments.name)
    rows = [(name, getattr(facts, name)) for name in STORED]
    context.output.result(facts, text=table(("what", "value"), [(name, str(value)) for name, value in rows], empty=""))
    return 0


def _add(context: Context) -> int:
    given = _given(context)
    given.setdefault("title", context.arguments.name)
    given["kind"] = SERVER if "host" in given else EMBEDDED
    password = ask_password("Password on the server") if context.arguments.password else None
    facts = _profiles().add(ProfileFacts(name=context.arguments.name, **given), password=password)
    context.output.result(facts, text=f"Added. `lecternctl --profile {facts.name} …` and `lectern --profile {facts.name}` work on it.")
    return 0


def _edit(context: Context) -> int:
    given, arguments = _given(context), context.arguments
    secret: dict[str, Any] = {}
    if arguments.forget_password:
        secret = {"password": None}
    elif arguments.password:
        secret = {"password": ask_password("Password on the server")}
    profiles = _profiles()
    before = profiles.get(arguments.name)
    after = profiles.edit(arguments.name, **({"kind": SERVER} if "host" in given else {}), **given, **secret)
    context.output.result(after, text="Changed.")
    if after.leads_to != before.leads_to and not arguments.password:
        context.output.note("It leads elsewhere now: a password kept for the old place was forgotten.")
    return 0


def _test(context: Context) -> int:
    profiles = _profiles()
    trial: Trial = profiles.test(profiles.get(context.arguments.name))
    rows = [(finding.name, finding.status, finding.sentence) for finding in trial.findings]
    context.output.result({"ok": trial.ok, "findings": trial.findings}, text=table(("what", "status", "found"), rows, empty=""))
    return 0 if trial.ok else 1


def _remove(context: Context) -> int:
    arguments = context.arguments
    _profiles().remove(arguments.name, erase=arguments.erase)
    left = "" if arguments.erase else " Its folder stays; --erase removes it too."
    context.output.result({"removed": arguments.name, "erased": arguments.erase}, text=f"Removed.{left}")
    return 0


def _leads_to(facts: ProfileFacts) -> str:
    return f"{facts.user}@{facts.host}/{facts.database}" if facts.kind == SERVER else "this computer"


def _notes(facts: ProfileFacts) -> str:
    return ", ".join(word for word, on in (("production", facts.production), ("read-only", facts.read_only)) if on)
