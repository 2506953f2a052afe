"""What every command gets: settings, output, and a backend that is opened when it is first needed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from backend_core.backend import Backend, open_backend
from backend_core.cli.output import Output
from backend_core.cli.signing_in import signed_in
from backend_core.errors import LecternError
from backend_core.homes import profile_name
from backend_core.policy import Actor
from backend_core.settings import Settings


class Subcommands(Protocol):
    """The part of argparse that a command adds itself to."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """Add one command."""
        ...


LARGEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Context:
    """One call of lecternctl."""

    settings: Settings
    output: Output
    arguments: argparse.Namespace

    @contextmanager
    def backend(self) -> Iterator[tuple[Backend, Actor]]:
        """Open the backend and sign in the person at this terminal."""
        with open_backend(self.settings, application="command") as backend:
            given = self.arguments
            try:
                with signed_in(backend, name=given.as_name, reason=given.reason, action=given.action) as actor:
                    yield backend, actor
            finally:
                _seal(backend)


def _seal(backend: Backend) -> None:
    """Seal what the command recorded: where nobody keeps a window open there is no worker that would."""
    if backend.settings.embedded and not backend.profile.read_only:
        # the command has done its work; what is not sealed now waits for the next one, and the health check says so
        with suppress(LecternError):
            backend.seals.seal()


Run = Callable[[Context], int]


def command(
    commands: Subcommands,
    name: str,
    run: Run,
    *,
    help: str,  # noqa: A002  # argparse's own word
    action: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command with the options every command has.

    Args:
        action: of the policy; when it asks who somebody is once more, the command asks for the password.
    """
    parser = commands.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--as", type=words, dest="as_name", metavar="NAME", help="as this operator, who gives a password")
    parser.add_argument("--reason", type=words, help="why you do this; kept in the audit log")
    parser.set_defaults(run=run, action=action)
    return parser


def positive(text: str) -> int:
    """Parse a whole number of at least 1 that the database can hold."""
    value = int(text)
    if not 1 <= value <= LARGEST:
        raise argparse.ArgumentTypeError(f"must be between 1 and {LARGEST}")
    return value


def profile(text: str) -> str:
    """Parse the name of a profile."""
    try:
        return profile_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def words(text: str) -> str:
    """Parse text that the database can hold, which bytes of another encoding are not."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise argparse.ArgumentTypeError("is not valid text")
    return text
