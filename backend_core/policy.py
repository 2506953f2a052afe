"""Who may do what: one table, asked by every service verb before it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend_core.errors import NotAllowed

SUPPORT: Final = "support"
ADMIN: Final = "admin"
AUDITOR: Final = "auditor"
SYSTEM: Final = "system"
ROLES: Final = (SUPPORT, ADMIN, AUDITOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The operator, or the program itself, on whose behalf something is done.

    Attributes:
        operator_id: row of the operators table; ``None`` for the program itself.
        name: shown in lists and in the audit log.
        role: one of ``ROLES`` or ``system``.
        workstation: host name the action came from.
        reason: why, where the action asks for it.
    """

    operator_id: int | None
    name: str
    role: str
    workstation: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an action is about.

    Attributes:
        kind: ``document``, ``page``, ``audio``, ``job``, ``operator``, ``server`` ...
        id: primary key as text, or ``None`` for the kind as a whole.
        owner_id: operator who owns it, where ownership matters.
    """

    kind: str
    id: str | None = None
    owner_id: int | None = None


_EVERYBODY: Final = frozenset({SUPPORT, ADMIN, AUDITOR, SYSTEM})
_WORKERS: Final = frozenset({SUPPORT, ADMIN, SYSTEM})
_WATCHERS: Final = frozenset({ADMIN, AUDITOR, SYSTEM})

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "document.import": _WORKERS,
    "document.list": _EVERYBODY,
    "document.read": _EVERYBODY,
    "document.rename": _WORKERS,
    "document.delete": _WORKERS,
    "document.restore": _WORKERS,
    "document.retry": _WORKERS,
    "document.extract": _WORKERS,
    "audio.generate": _WORKERS,
    "audio.play": _EVERYBODY,
    "audio.export": _WORKERS,
    "audio.delete": _WORKERS,
    "audio.restore": _WORKERS,
    "audio.speak": _WORKERS,
    "voice.preview": _WORKERS,
    "job.list": _EVERYBODY,
    "job.cancel": _WORKERS,
    "job.retry": _WORKERS,
    "pool.read": _EVERYBODY,
    "health.read": _EVERYBODY,
    "operator.sign_in": _EVERYBODY,
    "operator.list": _WATCHERS,
    "audit.list": _WATCHERS,
}

# Where ownership counts, support staff may change their own documents only; administrators any.
OWNED: Final = frozenset({"document.rename", "document.delete", "document.restore", "audio.delete", "audio.restore"})


def authorize(actor: Actor, action: str, target: Target) -> None:
    """Return quietly when ``actor`` may do ``action`` to ``target``.

    Raises:
        NotAllowed: the role does not permit it, or the target belongs to somebody else.
        KeyError: the action is not in the table, which is a mistake in the program.
    """
    if actor.role not in ALLOWED[action]:
        raise NotAllowed(f"Your role ({actor.role}) may not do this ({action}).")
    somebody_elses = target.owner_id is not None and target.owner_id != actor.operator_id
    if action in OWNED and actor.role == SUPPORT and somebody_elses:
        raise NotAllowed("Only its owner or an administrator may do this.")
