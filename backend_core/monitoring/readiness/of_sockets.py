"""WebSocket security: declared now, so that its absence shows; the gateway brings the subject."""

from __future__ import annotations

from typing import Final

from backend_core.monitoring.readiness.categories import SOCKETS
from backend_core.monitoring.readiness.check import DAY, HOUR, Check, not_yet

GATEWAY: Final = "The gateway and its sockets are not part of this version."

CHECKS: Final = (
    Check(
        id="sockets.refuses",
        title="Sockets refuse whoever is not known",
        about="Three live probes of the own endpoint: no token, an expired one, a forged one. Each must be closed with 1008.",
        category=SOCKETS,
        threshold="3 of 3 refused with 1008",
        source="live probe of the own endpoint",
        run=not_yet(GATEWAY),
        weight=3,
        gate=True,
        limit_s=HOUR,
        later=GATEWAY,
    ),
    Check(
        id="sockets.success",
        title="Sockets stay up",
        about="Share of connections that were set up and ended as they should.",
        category=SOCKETS,
        threshold="at least 99 % over 7 days, of at least 100",
        source="ws_auth_events and connection records",
        run=not_yet(GATEWAY),
        weight=2,
        limit_s=HOUR,
        later=GATEWAY,
    ),
    Check(
        id="sockets.logged",
        title="Refused sockets are on record",
        about="Each refusal leaves a row with its reason and without the token.",
        category=SOCKETS,
        threshold="one row per refused probe",
        source="ws_auth_events",
        run=not_yet(GATEWAY),
        limit_s=HOUR,
        later=GATEWAY,
    ),
    Check(
        id="sockets.encrypted",
        title="Sockets beyond this computer are encrypted",
        about="Plain sockets are offered on this computer only.",
        category=SOCKETS,
        threshold="TLS wherever the address is not loopback",
        source="addresses the gateway listens on",
        run=not_yet(GATEWAY),
        limit_s=DAY,
        later=GATEWAY,
    ),
)
