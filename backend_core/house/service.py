"""Read and change the house settings: one version wins, every change is recorded with old and new."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, LecternError, StaleVersion
from backend_core.house.declaration import FIELDS, HouseField, HouseSettings, Value, settings_from, stored
from backend_core.house.tables import house_settings
from backend_core.logs import correlated, get_logger
from backend_core.policy import Actor, Target, authorize

log = get_logger(__name__)
FRESH_S: Final = 5.0
TARGET: Final = Target(kind="settings", id="house")


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseState:
    """The house settings as they were read.

    Attributes:
        version: 0 while nothing was ever changed; give it to ``update``.
        changed_at: when, in UTC; None while nothing was ever changed.
        unusable: names of settings whose stored value this version cannot use; they are as delivered.
    """

    values: HouseSettings
    version: int
    changed_at: dt.datetime | None
    changed_by: str | None
    unusable: tuple[str, ...] = ()

    def value(self, name: str) -> Value:
        """Return one setting as it is shown.

        Raises:
            KeyError: no such setting.
        """
        return stored(getattr(self.values, FIELDS[name].name))


class House:
    """The house settings of one database.

    Args:
        clock: seconds, by which what was read grows old.
    """

    def __init__(self, database: Database, audit: Audit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._database = database
        self._audit = audit
        self._lock = threading.Lock()
        self._known: tuple[float, HouseSettings] | None = None

    @property
    def fields(self) -> tuple[HouseField, ...]:
        """Every setting with its words and bounds, in the order they are shown."""
        return tuple(FIELDS.values())

    def current(self) -> HouseSettings:
        """Return the settings, at most 5 s old; the last known ones while the database is away.

        Raises:
            DatabaseAway: it is away and was never asked before.
        """
        with self._lock:
            known = self._known
        if known is not None and self._clock() - known[0] < FRESH_S:
            return known[1]
        try:
            with self._database.begin("Read house settings") as conn:
                return self._remember(_read(conn).values)
        except LecternError:
            if known is None:
                raise
            return known[1]

    def within(self, conn: Connection) -> HouseSettings:
        """Return the settings as the transaction of ``conn`` sees them, for a verb that acts on them."""
        return self._remember(_read(conn).values)

    def read(self, actor: Actor) -> HouseState:
        """Return the settings with their version, and who changed them last.

        Raises:
            NotAllowed: the role may not read them.
        """
        authorize(actor, "settings.read", TARGET)
        with self._database.begin("Read house settings") as conn:
            state = _read(conn)
        self._remember(state.values)
        return state

    def update(self, changes: Mapping[str, Value | None], *, version: int, actor: Actor) -> HouseState:
        """Change some settings; None sets one back to what is delivered.

        Args:
            changes: by name; only these are checked and changed.
            version: the version they were read with.

        Raises:
            NotAllowed: only administrators change them.
            InvalidInput: a name or value that is not accepted; the sentence names the setting.
            StaleVersion: somebody changed them since.
        """
        authorize(actor, "settings.update", TARGET)
        _check(changes)
        with correlated(), self._database.begin("Change house settings") as conn:
            before = _read(conn)
            if before.version != version:
                raise StaleVersion(_stale(before))
            # a value that could not be used is replaced even by what holds instead of it
            changed = [name for name, value in changes.items() if name in before.unusable or before.value(name) != _wanted(name, value)]
            if not changed:
                return before
            kept = {name: value for name, value in _stored(conn).items() if name not in changed}
            new_values = {name: FIELDS[name].normal(value) for name in changed if (value := changes[name]) is not None}
            after = write(conn, kept | new_values, version=version, actor=actor)
            old = {name: before.value(name) for name in changed}
            new = {name: after.value(name) for name in changed}
            self._audit.record(conn, actor=actor, action="settings.update", target=TARGET, before=old, after=new)
        self._remember(after.values)
        log.info("house settings changed", names=changed, version=after.version)
        return after

    def _remember(self, values: HouseSettings) -> HouseSettings:
        with self._lock:
            self._known = (self._clock(), values)
        return values


def _stored(conn: Connection) -> dict[str, Any]:
    return dict(conn.execute(select(house_settings.c["values"])).scalar_one_or_none() or {})


def _read(conn: Connection) -> HouseState:
    row = conn.execute(select(house_settings)).mappings().one_or_none()
    if row is None:
        return HouseState(values=HouseSettings(), version=0, changed_at=None, changed_by=None)
    values, unusable = settings_from(dict(row["values"]))
    return HouseState(values=values, version=row["version"], changed_at=row["changed_at"], changed_by=row["changed_by"], unusable=unusable)


def write(conn: Connection, wanted: dict[str, Any], *, version: int, actor: Actor) -> HouseState:
    """Write version ``version`` + 1, unless somebody else just did."""
    facts = {"values": wanted, "version": version + 1, "changed_by": actor.name[:200]}
    if version == 0:
        # the row itself is what two first changes race for
        first = upsert(house_settings).values(id=1, **facts).on_conflict_do_nothing(index_elements=[house_settings.c.id])
        won = conn.execute(first.returning(house_settings.c.id)).first()
    else:
        mine = (house_settings.c.id == 1, house_settings.c.version == version)
        next_one = update(house_settings).where(*mine).values(changed_at=func.now(), **facts)
        won = conn.execute(next_one.returning(house_settings.c.id)).first()
    state = _read(conn)
    if won is None:
        raise StaleVersion(_stale(state))
    return state


def _wanted(name: str, value: Value | None) -> Value:
    return FIELDS[name].default if value is None else FIELDS[name].normal(value)


def _check(changes: Mapping[str, Value | None]) -> None:
    unknown = [name for name in changes if name not in FIELDS]
    if unknown:
        raise InvalidInput(f"There is no house setting {unknown[0][:60]!r}.")
    wrong = [FIELDS[name].refusal for name, value in changes.items() if value is not None and not FIELDS[name].accepts(value)]
    if wrong:
        raise InvalidInput(" ".join(wrong))


def _stale(state: HouseState) -> str:
    return f"{state.changed_by or 'Somebody'} changed the settings meanwhile."
