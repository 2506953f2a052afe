"""Notice that the server's counters are no longer those of a moment ago: after a crash, or because somebody cleared them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from psycopg.types.json import Jsonb

from backend_core.logs import get_logger
from backend_core.monitoring.link import MonitorLink

log = get_logger(__name__)
COUNTERS: Final = ("counters.commits", "counters.blocks")
STARTED: Final = "counters.server_started"
BEGAN: Final = "counters.began"
RESET: Final = "counters.reset"
# the server gives these moments to the microsecond, and a float keeps as much
SAME_S: Final = 0.001
# a server that fell may fall again at once, and what the recorder writes otherwise may be lost then
_KEEP: Final = """
INSERT INTO counter_falls (at, what, cause, detail)
SELECT %(at)s, %(what)s, %(cause)s, %(detail)s WHERE set_config('synchronous_commit', 'on', true) = 'on'
"""


def cause_of(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> str | None:
    """Return what happened to the server's counters between two readings, or ``None`` when they simply went on.

    ``crash``: the server lost all of them in a recovery, also one that left the server's process standing; or another server stands there.
    ``reset``: somebody cleared those of this database.
    ``restart``: the server was started anew and kept them; they can still be compared.
    """
    if before.get(STARTED) is None:
        # nothing is known of before
        return None
    fell = any(_lower(before.get(name), after.get(name)) for name in COUNTERS)
    restarted = _moved(before.get(STARTED), after.get(STARTED))
    # After a crash all counters begin anew, and the server notes the moment; in a clean restart they go on.
    # How high they are says nothing then: new ones may have passed the old ones before anybody looked.
    if _moved(before.get(BEGAN), after.get(BEGAN)):
        return "crash"
    if after.get(RESET) is not None and _moved(before.get(RESET) or 0.0, after.get(RESET)):
        return "reset"
    if fell:
        return "crash" if restarted else "reset"
    return "restart" if restarted else None


def _lower(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after < before


def _moved(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and abs(after - before) > SAME_S


def keep(link: MonitorLink, now: dt.datetime, cause: str, before: Mapping[str, float | None], after: Mapping[str, float | None]) -> None:
    """Note what happened, for whoever draws conclusions from counters."""
    names = (*COUNTERS, STARTED, BEGAN, RESET)
    detail = {"before": {name: before.get(name) for name in names}, "after": {name: after.get(name) for name in names}}
    link.rows(_KEEP, {"at": now, "what": "statistics", "cause": cause, "detail": Jsonb(detail)})
    log.info("server counters began anew or went on after a restart", cause=cause)
