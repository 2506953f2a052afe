"""The proof of one event as plain data: enough to check it with nothing but SHA-256."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend_core.audit.rows import AuditDetails


def proof_of(details: AuditDetails) -> dict[str, Any]:
    """Return event, the leaf before it in its writer's chain, and seal with the hashes that lead to its root."""
    previous = details.neighbours[0]
    return {
        "event": {name: _plain(value) for name, value in asdict(details.row).items()},
        "previous_leaf": previous.leaf if previous is not None else None,
        "seal": {name: _plain(value) for name, value in asdict(details.seal).items()} if details.seal is not None else None,
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
