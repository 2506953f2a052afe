"""Personas and the versions of their passports."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access.base import clean_name
from backend_core.audit.service import Audit
from backend_core.conversations.tables import persona_passports, personas
from backend_core.db.database import Database
from backend_core.errors import Conflict, InvalidInput, NotFound, StaleVersion, TooLarge
from backend_core.policy import Actor, Target, authorize

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
NAME_LENGTH: Final = 80
LARGEST_PASSPORT: Final = 100_000
MOST_VERSIONS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Who answers in conversations.

    Attributes:
        id: a word such as ``sage``.
        passport: what the persona is like, as the caller structures it.
        version: of name, passport and state; give it to ``save_persona``.
    """

    id: str
    name: str
    version: int
    passport: Mapping[str, Any]
    enabled: bool
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """One version of a persona's passport, kept when the next one came."""

    version: int
    passport: Mapping[str, Any]
    changed_by: str
    at: dt.datetime


_COLUMNS: Final = tuple(personas.c[name] for name in Persona.__dataclass_fields__)


class Personas:
    """Who answers in conversations."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def personas(self, *, actor: Actor, disabled: bool = True) -> tuple[Persona, ...]:
        """Return the personas by name; without ``disabled`` only those who may answer."""
        authorize(actor, "persona.list", target_of(None))
        query = select(*_COLUMNS).where(personas.c.synthetic.is_(False))
        if not disabled:
            query = query.where(personas.c.enabled.is_(True))
        with self._database.begin("List personas") as conn:
            return tuple(_persona(row) for row in conn.execute(query.order_by(func.lower(personas.c.name), personas.c.id)))

    def persona(self, persona_id: str, *, actor: Actor) -> Persona:
        """Return one persona.

        Raises:
            NotFound: there is none with this id.
        """
        authorize(actor, "persona.list", target_of(persona_id))
        with self._database.begin("Read persona") as conn:
            return _found(conn, persona_id)

    def passports(self, persona_id: str, *, actor: Actor) -> tuple[Passport, ...]:
        """Return the versions of a passport, the present one first, at most 200."""
        authorize(actor, "persona.list", target_of(persona_id))
        columns = [persona_passports.c[name] for name in Passport.__dataclass_fields__]
        query = select(*columns).where(persona_passports.c.persona_id == persona_id).order_by(persona_passports.c.version.desc())
        with self._database.begin("List passports") as conn:
            return tuple(Passport(**row._mapping) for row in conn.execute(query.limit(MOST_VERSIONS)))

    def save_persona(
        self, persona_id: str, *, name: str, passport: Mapping[str, Any], version: int, actor: Actor, enabled: bool = True
    ) -> Persona:
        """Add a persona, or change one; every passport it had is kept.

        Args:
            persona_id: a word of small letters, digits and hyphens, at most 40.
            name: what people call it.
            passport: what it is like; anything JSON holds, up to 100,000 characters.
            version: the version it was read with; 0 adds a new one.
            actor: an administrator.
            enabled: whether it may answer.

        Raises:
            InvalidInput: an id, a name or a passport that cannot be used.
            Conflict: a new one with the id of another.
            StaleVersion: somebody changed it since.
            NotFound: there is none with this id.
        """
        target = target_of(persona_id)
        authorize(actor, "persona.edit", target)
        facts = {"name": _name(name), "passport": _checked(passport), "enabled": enabled}
        with self._database.begin("Save persona") as conn:
            before = None if version == 0 else _found(conn, persona_id)
            if before is None:
                _add(conn, persona_id, facts)
            else:
                _change(conn, before, facts, version=version)
            kept = {"persona_id": persona_id, "version": version + 1, "passport": facts["passport"], "changed_by": actor.name[:200]}
            conn.execute(insert(persona_passports).values(kept))
            told = None if before is None else {"version": before.version, "enabled": before.enabled}
            after = {"version": version + 1, "enabled": enabled}
            self._audit.record(conn, actor=actor, action="persona.edit", target=target, before=told, after=after)
            return _found(conn, persona_id)


def target_of(persona_id: str | None) -> Target:
    """Return what an action on a persona is about."""
    return Target(kind="persona", id=persona_id)


def add_missing(conn: Connection, persona_id: str, name: str, passport: Mapping[str, Any], *, by: str) -> bool:
    """Add a persona unless there is one with this id; return whether it is new.

    Raises:
        InvalidInput: an id, a name or a passport that cannot be used.
    """
    facts = {"name": _name(name), "passport": _checked(passport), "enabled": True}
    try:
        _add(conn, persona_id, facts)
    except Conflict:
        return False
    conn.execute(insert(persona_passports).values(persona_id=persona_id, version=1, passport=facts["passport"], changed_by=by[:200]))
    return True


def _persona(row: Row[Any]) -> Persona:
    return Persona(**row._mapping)


def _found(conn: Connection, persona_id: str) -> Persona:
    row = conn.execute(select(*_COLUMNS).where(personas.c.id == persona_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such persona.")
    return _persona(row)


def _add(conn: Connection, persona_id: str, facts: Mapping[str, Any]) -> None:
    if not SLUG.fullmatch(persona_id):
        raise InvalidInput("The id of a persona has 1 to 40 small letters, digits and hyphens, and begins with a letter or digit.")
    new = upsert(personas).values(id=persona_id, **facts).on_conflict_do_nothing(index_elements=[personas.c.id])
    if conn.execute(new.returning(personas.c.id)).first() is None:
        raise Conflict("There is a persona with this id already.")


def _change(conn: Connection, before: Persona, facts: Mapping[str, Any], *, version: int) -> None:
    mine = (personas.c.id == before.id, personas.c.version == version)
    change = update(personas).where(*mine).values(version=version + 1, updated_at=func.now(), **facts)
    if conn.execute(change.returning(personas.c.id)).first() is None:
        raise StaleVersion("Somebody changed the persona meanwhile.")


def _name(text: str) -> str:
    name = clean_name(text)
    if len(name) > NAME_LENGTH:
        raise InvalidInput(f"A name of a persona has at most {NAME_LENGTH} characters.")
    return name


def _checked(passport: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(dict(passport), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise InvalidInput("A passport holds only what JSON can hold.") from None
    if len(text) > LARGEST_PASSPORT:
        raise TooLarge(f"A passport has at most {LARGEST_PASSPORT:,} characters.")
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("A passport holds only text that can be stored.")
    return dict(passport)
