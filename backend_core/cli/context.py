"""What every command gets: settings, output, and a backend that is opened when it is first needed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from backend_core.backend import Backend, open_backend
from backend_core.cli.output import Output
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
            yield backend, backend.access.sign_in_os_user(reason=self.arguments.reason)


Run = Callable[[Context], int]


def command(commands: Subcommands, name: str, run: Run, *, help: str) -> argparse.ArgumentParser:  # noqa: A002  # argparse's own word
    """Add a command with the options every command has."""
    parser = commands.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--reason", type=words, help="why you do this; kept in the audit log")
    parser.set_defaults(run=run)
    return parser


def positive(text: str) -> int:
    """Parse a whole number of at least 1 that the database can hold."""
    value = int(text)
    if not 1 <= value <= LARGEST:
        raise argparse.ArgumentTypeError(f"must be between 1 and {LARGEST}")
    return value


def words(text: str) -> str:
    """Parse text that the database can hold, which bytes of another encoding are not."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise argparse.ArgumentTypeError("is not valid text")
    return text
