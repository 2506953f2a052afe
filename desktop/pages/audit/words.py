"""What the codes of the audit log are called on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from desktop.i18n import tr

if TYPE_CHECKING:
    from backend_core.audit.query import AuditFilter

ROW_HEIGHT: Final = 33
_HAPPENED: Final = {
    "document.import": "Document added",
    "document.list": "Documents listed",
    "document.read": "Document read",
    "document.rename": "Document renamed",
    "document.delete": "Document deleted",
    "document.restore": "Document restored",
    "document.retry": "Document read again",
    "document.extract": "Document text read",
    "audio.generate": "Audio asked for",
    "audio.play": "Audio played",
    "audio.export": "Audio exported",
    "audio.delete": "Audio deleted",
    "audio.restore": "Audio restored",
    "audio.speak": "Audio spoken",
    "job.cancel": "Job cancelled",
    "job.retry": "Job started again",
    "operator.sign_in": "Signed in",
    "operator.sign_out": "Signed out",
    "operator.unlock": "Desk unlocked",
    "operator.password": "Password changed",
    "operator.add": "Operator added",
    "operator.edit": "Operator changed",
    "operator.role": "Role changed",
    "operator.disable": "Operator disabled",
    "operator.enable": "Operator enabled",
    "operator.reset": "Password reset",
    "operator.recover": "Administrator recovered",
    "operator.hand_over": "Documents handed over",
    "session.revoke": "Session ended",
    "audit.verify": "Audit log verified",
    "audit.export": "Audit log exported",
    "audit.evidence": "Evidence pack made",
    "audit.seal": "Events sealed",
    "audit.rotate": "Signing key replaced",
    "audit.retain": "Old events removed",
    "audit.hold": "Legal hold changed",
    "alert.acknowledge": "Alert acknowledged",
    "view.save": "View saved",
    "view.delete": "View deleted",
    "release.sign_off": "Release signed off",
    "settings.update": "Settings changed",
    "backup.create": "Backup made",
    "backup.verify": "Backup verified",
    "backup.restore": "Backup restored",
    "contact.reveal": "Phone and e-mail revealed",
    "contact.add": "Contact added",
    "contact.edit": "Contact changed",
    "contact.disable": "Contact disabled or enabled",
    "contact.export": "Person exported",
    "contact.erase": "Person erased",
    "persona.edit": "Persona changed",
    "conversation.read": "Conversation read",
    "conversation.add": "Conversation begun",
    "conversation.members": "Group members changed",
    "message.receive": "Message taken in",
    "message.import": "Messages imported",
    "reminder.edit": "Reminder changed",
    "photo.attach": "Photo taken in",
    "photo.analyse": "Photo looked at",
    "photo.read": "Photos read",
    "memory.open": "Memory opened",
    "memory.read": "Memory read",
    "memory.add": "Memory added",
    "memory.edit": "Memory changed",
    "memory.export": "Memory exported",
    "memory.import": "Memory imported",
    "memory.forget": "Memory forgotten",
    "memory.restore": "Memory restored",
    "memory.purge": "Forgotten memory erased",
    "boundary.edit": "Boundary changed",
    "reply.preview": "Reply previewed",
    "privacy.run": "Privacy suite run",
    "privacy.export": "Privacy report exported",
    "privacy.incident": "Privacy incident",
    "safety.review": "Safety finding reviewed",
    "egress.allow": "Outside service allowed",
    "egress.withdraw": "Outside service withdrawn",
    "token.save": "Access token kept",
    "token.revoke": "Access token revoked",
    "token.rotate": "Token key replaced",
    "token.refresh": "Access token refreshed",
}
_FAMILIES: Final = {
    "document": ("Documents", "file-text"),
    "audio": ("Audio", "audio-lines"),
    "voice": ("Voices", "mic"),
    "job": ("Jobs", "list-checks"),
    "operator": ("Operators", "user-cog"),
    "session": ("Sessions", "log-in"),
    "audit": ("Audit log", "scroll-text"),
    "alert": ("Alerts", "bell"),
    "view": ("Saved views", "bookmark"),
    "release": ("Releases", "badge-check"),
    "settings": ("Settings", "settings"),
    "backup": ("Backups", "archive"),
    "share": ("Shares", "share-2"),
    "contact": ("Contacts", "contact"),
    "persona": ("Personas", "venetian-mask"),
    "conversation": ("Conversations", "messages-square"),
    "message": ("Messages", "message-square-text"),
    "reminder": ("Reminders", "bell"),
    "photo": ("Photos", "image"),
    "memory": ("Memory", "brain"),
    "boundary": ("Boundaries", "bell-off"),
    "receipt": ("Erasure receipts", "badge-check"),
    "reply": ("Replies", "reply"),
    "privacy": ("Privacy", "shield-check"),
    "safety": ("Safety", "flag"),
    "egress": ("Outside services", "external-link"),
    "token": ("Access tokens", "key-round"),
}
_GRAVE: Final = frozenset({"delete", "revoke", "disable", "retain", "rotate", "recover", "purge", "forget", "erase", "reset"})
OUTCOMES: Final = {"done": ("check", "none"), "refused": ("ban", "bad"), "failed": ("triangle-alert", "warn")}
_UNITS: Final = {"m": "{n} minutes", "h": "{n} hours", "d": "{n} days", "w": "{n} weeks"}
_ONE: Final = {"1m": "Last minute", "1h": "Last hour", "1d": "Last day", "1w": "Last week"}
_PROBLEMS: Final = {
    "changed": "An event was changed after it was written",
    "missing": "An event is missing",
    "gap": "Events are missing",
    "inserted": "An event was added afterwards",
    "order": "Events stand in another order than they were written in",
    "truncated": "The end of the log was cut off",
    "tombstone": "Events were removed without a valid retention record",
    "generation": "The log was joined from different histories",
    "seal": "A seal does not fit its events",
    "seal_missing": "A seal is missing",
    "signature": "A signature is not genuine",
    "key": "A sealing key was not introduced properly",
    "witness": "A witness remembers another history",
    "rollback": "The log is older than a witness remembers",
    "clock": "A time does not fit",
}


def event_title(action: str) -> str:
    """Return what happened: ``settings.update`` gives “Settings changed”, an unknown ``memory.expire`` “Memory expire”."""
    known = _HAPPENED.get(action)
    return tr(known) if known else action.replace(".", " ").replace("_", " ").strip().capitalize() or tr("Event")


def family(action: str) -> str:
    """Return the part before the dot."""
    return action.partition(".")[0]


def family_title(name: str) -> str:
    """Return the name of a family of actions."""
    return tr(_FAMILIES[name][0]) if name in _FAMILIES else name.capitalize()


def action_icon(action: str) -> str:
    """Return the icon of the family."""
    return _FAMILIES.get(family(action), ("", "circle-dashed"))[1]


def grave(action: str) -> bool:
    """Return whether the action takes something away for good, or touches what everything rests on."""
    return action.rpartition(".")[2] in _GRAVE


def problem_title(kind: str) -> str:
    """Return what a kind of problem means."""
    known = _PROBLEMS.get(kind)
    return tr(known) if known else kind.replace("_", " ").capitalize()


def chip_words(key: str, values: Iterable[str]) -> str:
    """Return one part of a filter in words: Last 24 hours; Action: memory, share."""
    listed = list(values)
    if key == "since":
        return _since(listed[0])
    if key == "until":
        return tr("Until {time}", time=_moment(listed[0]))
    names = {"actor": tr("Actor"), "action": tr("Action"), "target": tr("Target"), "outcome": tr("Outcome"), "role": tr("Role")}
    names |= {"correlation": tr("Correlation"), "workstation": tr("Workstation")}
    shown = [value.removesuffix(".*") if key == "action" else value for value in listed]
    return tr("{name}: {values}", name=names.get(key, key), values=", ".join(shown))


def filter_words(wanted: AuditFilter) -> str:
    """Return a whole filter as one phrase, for the export dialog."""
    parts = [chip_words(key, values) for key, values in filter_parts(wanted)]
    return " · ".join(parts) if parts else tr("Every event")


def filter_parts(wanted: AuditFilter) -> list[tuple[str, tuple[str, ...]]]:
    """Return the fields of a filter that say something, times first."""
    keys = ("since", "until", "actor", "action", "target", "outcome", "role", "workstation", "correlation")
    found = []
    for key in keys:
        value = getattr(wanted, key)
        if value:
            found.append((key, (value,) if isinstance(value, str) else tuple(value)))
    return found


def _since(value: str) -> str:
    if value in _ONE:
        return tr(_ONE[value])
    unit = _UNITS.get(value[-1:])
    if unit and value[:-1].isdigit():
        return tr("Last {span}", span=tr(unit, n=value[:-1]))
    return tr("Since {time}", time=_moment(value))


def _moment(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment.strftime("%Y-%m-%d") if "T" not in value else moment.strftime("%Y-%m-%d %H:%M %Z").strip()
