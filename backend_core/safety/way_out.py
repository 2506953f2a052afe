"""The door as notices use it: mail and webhook pass consent and ledger like everything else that leaves."""

from __future__ import annotations

from collections.abc import Mapping

from backend_core.notices.way_out import Gate
from backend_core.policy import Actor
from backend_core.safety.egress import Egress
from backend_core.safety.hosts import place_in, place_of
from backend_core.safety.transport import Request


class EgressDoor:
    """What ``backend_core.notices`` sends through; see ``WayOut`` there."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def gate(self, address: str) -> Gate:
        """Return where ``name:port`` or an address with a scheme leads."""
        place = place_in(address) if "://" in address else place_of(address)
        return Gate(key=place.key, loopback=place.loopback)

    def allowed(self, purpose: str, key: str) -> bool:
        """Return whether somebody consented."""
        return key in self._egress.hosts(purpose)

    def announce(self, purpose: str, address: str, *, size: int, actor: Actor) -> None:
        """Write down what is about to leave."""
        self._egress.announce(purpose, address, size=size, actor=actor)

    def post(self, purpose: str, url: str, body: bytes, *, headers: Mapping[str, str], actor: Actor) -> None:
        """Write down and send one POST."""
        self._egress.send(purpose, Request(url=url, body=body, headers=headers), actor=actor)
