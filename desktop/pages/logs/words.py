"""How a log line reads: its level, its stack, and everything of it for the clipboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import tr

if TYPE_CHECKING:
    from backend_core.monitoring.logbook import LogEntry

STACK: Final = "exception"
_LEVELS: Final = {
    "DEBUG": ("circle-dashed", "Debug", "none"),
    "INFO": ("info", "Info", "none"),
    "WARNING": ("triangle-alert", "Warning", "warn"),
    "ERROR": ("octagon-alert", "Error", "bad"),
    "CRITICAL": ("octagon-alert", "Critical", "bad"),
}
_FRAMES: Final = 12
_SHORT: Final = 60


def level_of(entry: LogEntry) -> tuple[str, str, str]:
    """Return icon, word and tone of a line's level."""
    icon, word, tone = _LEVELS.get(entry.level, ("circle-question-mark", "Unreadable", "none"))
    return icon, tr(word), tone


def event_words(entry: LogEntry) -> str:
    """Return the event and its short facts, as a screen reader says them."""
    return f"{entry.event} {facts_words(entry)}".strip()


def facts_words(entry: LogEntry) -> str:
    """Return the short facts of a line in one row."""
    return "  ·  ".join(f"{name} {value}" for name, value in entry.fields if name != STACK and len(value) < _SHORT)


def stack_words(entry: LogEntry) -> str:
    """Return the stack as people read it: what was raised, and where, innermost first; empty without one."""
    raw = dict(entry.fields).get(STACK, "")
    try:
        raised: Any = json.loads(raw)
        return "\n\n".join(_one(one) for one in raised)
    except (ValueError, TypeError, KeyError, AttributeError):
        # cut short, or written by another version: as it stands
        return raw


def _one(raised: dict[str, Any]) -> str:
    frames = [f"  {frame['name']}  {_short_path(str(frame['filename']))}:{frame['lineno']}" for frame in reversed(raised.get("frames", []))]
    more = [f"  … {len(frames) - _FRAMES} more"] if len(frames) > _FRAMES else []
    return "\n".join((f"{raised.get('exc_type', '')}: {raised.get('exc_value', '')}", *frames[:_FRAMES], *more))


def _short_path(path: str) -> str:
    parts = path.replace("\\", "/").split("/")
    return "/".join(parts[-3:])


def everything(entry: LogEntry) -> str:
    """Return the whole line for the clipboard; what the log search returns is redacted already."""
    head = (f"{entry.at.isoformat()} {entry.level} {entry.process}", entry.event, f"correlation {entry.correlation_id or 'none'}")
    facts = [f"{name}: {value}" for name, value in entry.fields if name != STACK]
    return "\n".join((*head, f"from {entry.logger}", *facts, stack_words(entry))).rstrip()
