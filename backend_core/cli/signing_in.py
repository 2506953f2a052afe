"""Who runs a command: the person at this computer, a kept session, or a name with a password that is never an argument."""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backend_core.access.service import SignedIn
from backend_core.backend import Backend
from backend_core.errors import InvalidInput, LecternError, NotAllowed, SignInNeeded
from backend_core.policy import PROVEN, Actor

SECRET: Final = "session"  # noqa: S105  # the name a token is kept under
PASSWORD_FILE: Final = "LECTERN_PASSWORD_FILE"  # noqa: S105  # the name of a variable
NEW_PASSWORD_FILE: Final = "LECTERN_NEW_PASSWORD_FILE"  # noqa: S105  # the name of a variable
LARGEST_FILE: Final = 4096


@contextlib.contextmanager
def signed_in(backend: Backend, *, name: str | None, reason: str | None, action: str | None) -> Iterator[Actor]:
    """Yield whoever runs the command; a session opened for it alone ends with it.

    Args:
        name: of the operator; nothing for whoever this is.
        action: what will be done; when it asks for proof, the password is asked for first.

    Raises:
        SignInNeeded: a password is needed and nobody is there to give it.
    """
    actor = _kept(backend, name=name, reason=reason) or _here(backend, name=name, reason=reason)
    if actor is None:
        signed = backend.access.sign_in(name or "", ask_password(f"Password of {name}"), reason=reason)
        try:
            yield signed.actor
        finally:
            backend.access.sign_out(signed.actor)
        return
    if action in PROVEN and backend.access.needs_password(actor) and not _proven(actor):
        actor = backend.access.prove(actor, ask_password(f"Password of {actor.name}"))
    yield actor


def _proven(actor: Actor) -> bool:
    return actor.proven_until is not None and actor.proven_until > dt.datetime.now(dt.UTC)


def _kept(backend: Backend, *, name: str | None, reason: str | None) -> Actor | None:
    """Return the person whose session `sign-in` kept, while it is good."""
    return _stored(backend, name=name, reason=reason) if _mark(backend).exists() else None


def _stored(backend: Backend, *, name: str | None, reason: str | None) -> Actor | None:
    """Return the person whose session this home keeps, for the window or for commands."""
    token = backend.credentials.get(SECRET)
    if token is None:
        return None
    try:
        actor = backend.access.resume(token, reason=reason)
    except SignInNeeded:
        forget(backend)
        return None
    return actor if name is None or _same(actor.name, name) else None


def _here(backend: Backend, *, name: str | None, reason: str | None) -> Actor | None:
    """Return the person at this computer, or nothing when it has to be asked who that is."""
    try:
        actor = backend.access.sign_in_here(reason=reason)
    except NotAllowed as error:
        if backend.access.shared:
            raise
        found = _stored(backend, name=name, reason=reason) if isinstance(error, SignInNeeded) else None
        if found is None and name is None:
            if isinstance(error, SignInNeeded):
                raise SignInNeeded(f"{error} Use `lecternctl sign-in --as NAME`, or --as NAME for one command.") from None
            raise
        return found
    if name is None or _same(actor.name, name):
        return actor
    if backend.access.shared:
        raise NotAllowed(f"The login of the server says that you are {actor.name}.")
    return None


def _same(one: str, other: str) -> bool:
    return one.casefold() == " ".join(other.split()).casefold()


def _mark(backend: Backend) -> Path:
    # says only that a session is kept, so that most commands need not open the keyring
    return backend.settings.config_dir / "signed-in"


def keep(backend: Backend, signed: SignedIn) -> None:
    """Keep a session for the commands that follow."""
    backend.credentials.set(SECRET, signed.token)
    mark = _mark(backend)
    mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.write_text(f"{signed.actor.name}\n", encoding="utf-8")


def forget(backend: Backend) -> None:
    """Forget the session that was kept."""
    _mark(backend).unlink(missing_ok=True)
    with contextlib.suppress(LecternError):
        backend.credentials.delete(SECRET)


def ask_password(prompt: str) -> str:
    """Return a password from the file named in LECTERN_PASSWORD_FILE, or as it is typed.

    Raises:
        SignInNeeded: there is no such file and no terminal.
    """
    given = _from_file(PASSWORD_FILE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise SignInNeeded(f"A password is needed: run this at a terminal, or name a file that holds it in {PASSWORD_FILE}.")
    return getpass.getpass(f"{prompt}: ")


def ask_new_password(name: str, *, needed: bool = True) -> str | None:
    """Return a new password from the file named in LECTERN_NEW_PASSWORD_FILE, or as it is typed twice.

    Args:
        needed: whether to complain when there is no such file and no terminal.

    Raises:
        InvalidInput: it was typed differently, or there is nobody to type it.
    """
    given = _from_file(NEW_PASSWORD_FILE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        if needed:
            raise InvalidInput(f"A new password is needed: run this at a terminal, or name a file that holds it in {NEW_PASSWORD_FILE}.")
        return None
    first = getpass.getpass(f"New password of {name}: ")
    if getpass.getpass("The same again: ") != first:
        raise InvalidInput("The two passwords differ.")
    return first


def _from_file(variable: str) -> str | None:
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_FILE).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"The file named in {variable} cannot be read.") from None
