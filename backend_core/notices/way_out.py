"""What notices ask of the door through which text leaves; the composition root puts the real one behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from backend_core.policy import Actor


@dataclass(frozen=True, slots=True)
class Gate:
    """Where something goes.

    Attributes:
        key: how consent and ledger call it.
        loopback: this computer.
    """

    key: str
    loopback: bool


class WayOut(Protocol):
    """Consent, ledger and transport."""

    def gate(self, address: str) -> Gate:
        """Return where ``name:port`` or an address with a scheme leads.

        Raises:
            InvalidInput: nothing is ever sent there.
        """
        ...

    def allowed(self, purpose: str, key: str) -> bool:
        """Return whether somebody consented."""
        ...

    def announce(self, purpose: str, address: str, *, size: int, actor: Actor) -> None:
        """Write down what is about to leave for ``name:port``.

        Raises:
            NotAllowed: nobody consented.
            InvalidInput, Unavailable: the name leads nowhere, or where nothing is sent.
        """
        ...

    def post(self, purpose: str, url: str, body: bytes, *, headers: Mapping[str, str], actor: Actor) -> None:
        """Write down and send one POST.

        Raises:
            NotAllowed, InvalidInput, Unavailable: as ``announce``; or the other side refuses, or does not answer.
        """
        ...
