"""Who may do what: one table, asked by every service verb before it acts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from backend_core.errors import NotAllowed, ProofNeeded, ReasonNeeded

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
        session: id of the signed-in session; ``None`` for the program itself and for the person the operating system vouches for.
        proven_until: until when (UTC) the person counts as having just proven who they are; ``None`` when they have not.
        reason_required: the profile asks a reason for every change.
    """

    operator_id: int | None
    name: str
    role: str
    workstation: str
    reason: str | None = None
    session: str | None = None
    proven_until: dt.datetime | None = None
    reason_required: bool = False


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

_ADMINS: Final = frozenset({ADMIN, SYSTEM})
_PROGRAM: Final = frozenset({SYSTEM})

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "document.import": _WORKERS,
    "document.list": _EVERYBODY,
    "document.read": _EVERYBODY,
    "document.rename": _WORKERS,
    "document.delete": _WORKERS,
    "document.restore": _WORKERS,
    "document.retry": _WORKERS,
    "document.extract": _WORKERS,
    "document.keep": _WORKERS,
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
    "log.read": _WATCHERS,
    "operator.sign_in": _EVERYBODY,
    "operator.sign_out": _EVERYBODY,
    "operator.unlock": _EVERYBODY,
    "operator.password": _EVERYBODY,
    "operator.list": _WATCHERS,
    "operator.review": _WATCHERS,
    "operator.add": _ADMINS,
    "operator.edit": _ADMINS,
    "operator.role": _ADMINS,
    "operator.disable": _ADMINS,
    "operator.enable": _ADMINS,
    "operator.reset": _ADMINS,
    "operator.recover": _PROGRAM,
    "operator.hand_over": _ADMINS,
    "session.list": _EVERYBODY,
    "session.revoke": _EVERYBODY,
    "audit.list": _WATCHERS,
    "audit.verify": _WATCHERS,
    "audit.export": _WATCHERS,
    "audit.evidence": _WATCHERS,
    "audit.seal": _PROGRAM,
    "audit.rotate": _ADMINS,
    "audit.retain": _ADMINS,
    "audit.hold": _WATCHERS,
    "audit.watch": _PROGRAM,
    "alert.list": _WATCHERS,
    "alert.acknowledge": _WATCHERS,
    "view.list": _WATCHERS,
    "view.save": _WATCHERS,
    "view.delete": _WATCHERS,
    "release.sign_off": _ADMINS,
    "release.list": _WATCHERS,
    "settings.read": _EVERYBODY,
    "settings.update": _ADMINS,
    "backup.list": _WATCHERS,
    "backup.create": _ADMINS,
    "backup.verify": _ADMINS,
    "backup.restore": _ADMINS,
    "backup.key": _ADMINS,
    "contact.list": _WORKERS,
    "contact.read": _WORKERS,
    "contact.reveal": _WORKERS,
    "contact.add": _WORKERS,
    "contact.edit": _WORKERS,
    "contact.disable": _ADMINS,
    "contact.export": _ADMINS,
    "contact.erase": _ADMINS,
    "persona.list": _EVERYBODY,
    "persona.edit": _ADMINS,
    "conversation.list": _WORKERS,
    "conversation.read": _WORKERS,
    "conversation.add": _WORKERS,
    "conversation.members": _WORKERS,
    "message.receive": _WORKERS,
    "message.import": _WORKERS,
    "reminder.edit": _WORKERS,
    "photo.attach": _WORKERS,
    "photo.analyse": _WORKERS,
    "photo.read": _WORKERS,
    "memory.open": _WORKERS,
    "memory.read": _WORKERS,
    "memory.add": _WORKERS,
    "memory.edit": _WORKERS,
    "memory.export": _WORKERS,
    "memory.import": _WORKERS,
    "memory.forget": _WORKERS,
    "memory.restore": _WORKERS,
    "memory.purge": _PROGRAM,
    "boundary.edit": _WORKERS,
    "receipt.list": _EVERYBODY,
    "receipt.verify": _EVERYBODY,
    "reply.preview": _WORKERS,
    "privacy.run": _ADMINS,
    "privacy.list": _EVERYBODY,
    "privacy.export": _WATCHERS,
    "safety.check": _WORKERS,
    "safety.list": _WORKERS,
    "safety.review": _WORKERS,
    "egress.list": _WATCHERS,
    "egress.allow": _ADMINS,
    "egress.withdraw": _ADMINS,
    "token.list": _ADMINS,
    "token.save": _ADMINS,
    "token.revoke": _ADMINS,
    "token.rotate": _ADMINS,
    "token.refresh": _PROGRAM,
    "metrics.read": _EVERYBODY,
    "metrics.export": _WATCHERS,
    "slo.read": _EVERYBODY,
    "server.read": _WATCHERS,
    "server.cancel": _ADMINS,
    "index.read": _WATCHERS,
    "index.prove": _ADMINS,
    "index.change": _ADMINS,
    "migration.read": _WATCHERS,
    "migration.run": _ADMINS,
    "notice.list": _EVERYBODY,
    "notice.acknowledge": _EVERYBODY,
    "notice.silence": _ADMINS,
    "notice.test": _ADMINS,
    "notice.raise": _PROGRAM,
    "notice.deliver": _PROGRAM,
    "job_alert.list": _EVERYBODY,
    "job_alert.update": _WORKERS,
    "job.watch": _PROGRAM,
    "readiness.read": _EVERYBODY,
    "readiness.measure": _ADMINS,
    "readiness.export": _WATCHERS,
}

# Where ownership counts, support staff may change their own documents only; administrators any.
OWNED: Final = frozenset({"document.rename", "document.delete", "document.restore", "audio.delete", "audio.restore"})
# What concerns one person: everybody for themselves, administrators for anybody.
PERSONAL: Final = frozenset({"operator.password", "session.list", "session.revoke", "view.list", "view.save", "view.delete"})
# A person at an unlocked desk could do lasting harm with these: they ask who it is once more.
PROVEN: Final = frozenset(
    {
        "audit.export", "audit.evidence", "audit.rotate", "audit.retain",
        "operator.add", "operator.edit", "operator.role", "operator.disable", "operator.enable", "operator.reset", "operator.hand_over",
        "backup.create", "backup.restore", "backup.key",
        "contact.export", "contact.erase", "memory.export", "egress.allow", "token.rotate",
        "index.change", "migration.run",
    }
)  # fmt: skip
# Nobody may do these without saying why.
REASONED: Final = frozenset(
    {
        "audit.export", "audit.evidence", "audit.hold", "operator.disable", "operator.role", "operator.hand_over",
        "contact.reveal", "contact.export", "contact.erase", "conversation.read", "photo.read",
        "memory.open", "memory.read", "memory.export", "reply.preview", "safety.review",
        "server.cancel", "index.change", "migration.run", "notice.silence",
    }
)  # fmt: skip
# Everything that is not a change; a profile that asks a reason for changes does not ask one for these.
READS: Final = frozenset(
    {
        "document.list", "document.read", "audio.play", "voice.preview", "job.list", "pool.read", "health.read", "log.read",
        "operator.sign_in", "operator.sign_out", "operator.unlock", "operator.list", "operator.review", "session.list", "audit.list",
        "audit.verify", "release.list", "alert.list", "alert.acknowledge", "view.list", "view.save", "view.delete", "settings.read",
        "backup.list", "backup.verify",
        "contact.list", "contact.read", "contact.reveal", "persona.list", "conversation.list", "conversation.read", "photo.read",
        "memory.open", "memory.read", "receipt.list", "receipt.verify", "reply.preview", "privacy.list", "privacy.run",
        "safety.check", "safety.list", "egress.list", "token.list",
        "metrics.read", "metrics.export", "slo.read", "server.read", "index.read", "index.prove", "migration.read", "notice.list",
        "notice.acknowledge", "job_alert.list", "readiness.read", "readiness.measure",
    }
)  # fmt: skip
REASON_LENGTH: Final = 500


def may(role: str, action: str) -> bool:
    """Return whether ``role`` may do ``action`` at all, so that a window can leave out what would only be refused.

    Raises:
        KeyError: the action is not in the table.
    """
    return role in ALLOWED[action]


def authorize(actor: Actor, action: str, target: Target) -> None:
    """Return quietly when ``actor`` may do ``action`` to ``target``.

    Raises:
        NotAllowed: the role does not permit it, or the target belongs to somebody else.
        ReasonNeeded: the same call with a reason is permitted.
        ProofNeeded: the same call by somebody who has just proven who they are is permitted.
        KeyError: the action is not in the table, which is a mistake in the program.
    """
    # here, because the window reads this table before it can afford the log library
    from backend_core.logs import note_operator

    note_operator(actor.operator_id)
    if not may(actor.role, action):
        raise NotAllowed(f"Your role ({actor.role}) may not do this ({action}).")
    somebody_elses = target.owner_id is not None and target.owner_id != actor.operator_id
    if action in OWNED and actor.role == SUPPORT and somebody_elses:
        raise NotAllowed("Only its owner or an administrator may do this.")
    if action in PERSONAL and actor.role not in _ADMINS and somebody_elses:
        raise NotAllowed("Only an administrator may do this for somebody else.")
    if actor.role != SYSTEM:
        _ask_reason(actor, action)
        _ask_proof(actor, action)


def _ask_reason(actor: Actor, action: str) -> None:
    asked = action in REASONED or (actor.reason_required and action not in READS)
    if asked and not (actor.reason or "").strip():
        raise ReasonNeeded(f"A reason is needed for this ({action}).")


def _ask_proof(actor: Actor, action: str) -> None:
    proven = actor.proven_until is not None and actor.proven_until > dt.datetime.now(dt.UTC)
    if action in PROVEN and not proven:
        raise ProofNeeded("Confirm who you are to do this.")
