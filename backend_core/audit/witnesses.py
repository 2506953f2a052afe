"""Places that remember the newest checkpoint, so that a log that was cut, replaced or put back is noticed.

Only a place outside the data folder is worth anything against somebody who puts back an old copy of the whole folder.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, func, select

from backend_core.audit.chain import EPOCH, MICROSECOND, microseconds
from backend_core.audit.checkpoint import Checkpoint, parse
from backend_core.audit.keys import KeyStore
from backend_core.audit.report import Problem, WitnessFacts
from backend_core.audit.tables import audit_event, audit_generation, audit_position, audit_seal
from backend_core.audit.upkeep_tables import audit_erased
from backend_core.audit.writers import Link
from backend_core.db.file_lock import locked
from backend_core.errors import LecternError, StorageFailed
from backend_core.logs import get_logger

log = get_logger(__name__)
SECRET: Final = "audit-witness"  # noqa: S105  # the name of an entry
FILE_EVERY_S: Final = 0.0
KEYRING_EVERY_S: Final = 30.0
LOCK_S: Final = 5.0
LARGEST: Final = 1 << 20
MOST_WRITERS: Final = 500


@dataclass(frozen=True, slots=True)
class Memory:
    """What one place remembers of one log.

    Attributes:
        note: the newest checkpoint it was given, as a signed note.
        roots: keys that may introduce themselves.
        writers: last committed row of writers of this computer that no remembered seal covers.
    """

    note: str = ""
    roots: tuple[str, ...] = ()
    writers: Mapping[str, Link] = field(default_factory=dict)

    def plain(self, *, small: bool) -> dict[str, Any]:
        """Return it as JSON knows it; ``small`` without the writers."""
        kept = {} if small else {name: [one.wseq, one.leaf.hex(), microseconds(one.at)] for name, one in self.writers.items()}
        return {"checkpoint": self.note, "roots": list(self.roots), "writers": kept}

    @classmethod
    def parse(cls, found: Mapping[str, Any]) -> Memory:
        """Read it back.

        Raises:
            ValueError: something else.
        """
        try:
            links = {
                name: Link(int(n), bytes.fromhex(leaf), EPOCH + int(at) * MICROSECOND) for name, (n, leaf, at) in found["writers"].items()
            }
            note = str(found["checkpoint"])
            if note:
                parse(note)
            return cls(note, tuple(map(str, found["roots"])), links)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError("no memory of an audit log") from error


class Place(Protocol):
    """Somewhere a few kilobytes can be kept.

    Attributes:
        name: for people.
        outside: not in the folder that holds the database.
        small: takes about a thousand characters only.
        every_s: seconds between two writes.
    """

    name: str
    outside: bool
    small: bool
    every_s: float

    def read(self) -> str | None:
        """Return what was written last."""
        ...

    def write(self, text: str) -> None:
        """Replace it; afterwards it is on disk, or as it was before."""
        ...


class FilePlace:
    """One file."""

    small = False
    every_s = FILE_EVERY_S

    def __init__(self, path: Path, *, name: str, outside: bool) -> None:
        self.path, self.name, self.outside = path, name, outside

    def read(self) -> str | None:
        """Return what was written last."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return None
        except OSError:
            raise StorageFailed(f"The witness file {self.path.name} cannot be read.") from None

    def write(self, text: str) -> None:
        """Replace it; afterwards it is on disk, or as it was before."""
        partial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with partial.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise StorageFailed(f"The witness file {self.path.name} cannot be written.") from None


class KeyringStore(KeyStore, Protocol):
    """A store of secrets that says where it keeps them."""

    @property
    def kind(self) -> str:
        """Return ``keyring`` for the keyring of the operating system; looking for it may take seconds."""
        ...


class KeyringPlace:
    """An entry in the keyring of the operating system; where there is none, it remembers nothing."""

    name = "keyring of the operating system"
    outside = True
    small = True
    every_s = KEYRING_EVERY_S

    def __init__(self, store: KeyringStore) -> None:
        self._store = store

    def read(self) -> str | None:
        """Return what was written last."""
        return self._store.get(SECRET) if self._store.kind == "keyring" else None

    def write(self, text: str) -> None:
        """Replace it."""
        if self._store.kind == "keyring":
            self._store.set(SECRET, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one place says: ``problems`` is empty when it agrees; ``seal`` is the newest it knows."""

    name: str
    outside: bool
    seal: int | None
    problems: tuple[Problem, ...]


class Witnesses:
    """All places that remember one log."""

    def __init__(self, places: Sequence[Place], *, database: str, folder: Path) -> None:
        """Take a name for the database that stays the same, and the folder for the lock between processes."""
        self._places = places
        self._database = database
        self._lock = folder / ".audit-witness.lock"
        self._written: dict[str, float] = {}
        self._newest = ""
        self._known: dict[str, str] = {}
        self._alarmed: set[str] = set()

    def accepted(self) -> frozenset[str]:
        """Return the keys that may introduce themselves, as far as any place remembers."""
        return frozenset(
            root for place in self._places for memory in [self._recall(place)] if isinstance(memory, Memory) for root in memory.roots
        )

    def ask(self, conn: Connection) -> tuple[Witness, ...]:
        """Return what each place that remembers this log says to what is in the database."""
        said = []
        for place in self._places:
            memory = self._recall(place)
            if isinstance(memory, str):
                said.append(Witness(name=place.name, outside=place.outside, seal=None, problems=(Problem(kind="witness", detail=memory),)))
            elif memory is not None:
                seal = parse(memory.note)[0].seal if memory.note else None
                problems = (*_against_head(conn, memory, place.name), *_against_writers(conn, memory, place.name))
                said.append(Witness(name=place.name, outside=place.outside, seal=seal, problems=problems))
        return tuple(said)

    def update(self, conn: Connection, note: str | None, *, roots: Sequence[str], writers: Mapping[str, Link], last: bool = False) -> None:
        """Tell every place the newest checkpoint; one that remembers another history keeps what it has.

        Args:
            conn: to hold what they remember against.
            note: the checkpoint; the last one when left out.
            roots: keys that introduced themselves, for a place that remembers nothing yet.
            writers: last committed rows of this process.
            last: the process ends; nothing is put off.
        """
        self._newest = note or self._newest
        now = time.monotonic()
        for place in self._places:
            if last or now - self._written.get(place.name, -place.every_s) >= place.every_s:
                self._written[place.name] = now
                self._tell(conn, place, roots, writers)

    def accept(self, note: str, *, roots: Sequence[str]) -> int:
        """Let every place take the log as it is now, whatever it remembered; return how many did."""
        took = 0
        for place in self._places:
            with self._locked():
                others = self._others(place)
                self._put(place, others, Memory(note, tuple(roots)))
                took += 1
        self._alarmed.clear()
        return took

    def behind(self) -> bool:
        """Whether a place was not told the newest checkpoint yet."""
        return any(self._known.get(place.name, "") != self._newest for place in self._places)

    def due(self) -> bool:
        """Whether one of those may be told by now."""
        now = time.monotonic()
        late = [place for place in self._places if self._known.get(place.name, "") != self._newest]
        return any(now - self._written.get(place.name, -place.every_s) >= place.every_s for place in late)

    def _tell(self, conn: Connection, place: Place, roots: Sequence[str], writers: Mapping[str, Link]) -> None:
        # whatever becomes of it, it is not tried again before the next checkpoint
        self._known[place.name] = self._newest
        try:
            with self._locked():
                memory = self._recall(place)
                if isinstance(memory, str) or (memory is not None and _against_head(conn, memory, place.name)):
                    if place.name not in self._alarmed:
                        self._alarmed.add(place.name)
                        log.error("a witness remembers another audit log", witness=place.name)
                    return
                old = memory or Memory(roots=tuple(roots))
                links = {} if place.small else _unsealed(conn, {**old.writers, **writers})
                made = replace(old, note=_newer(old.note, self._newest), writers=links)
                if made != memory and (made.note or made.writers):
                    self._put(place, self._others(place), made)
        except (LecternError, TimeoutError) as error:
            log.warning("a witness of the audit log could not be told", witness=place.name, error=type(error).__name__)

    def _locked(self) -> Any:
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return locked(self._lock, timeout_s=LOCK_S)

    def _others(self, place: Place) -> dict[str, Any]:
        """Return what a place remembers of other databases."""
        try:
            found = json.loads(place.read() or "{}")
        except ValueError:
            return {}
        return {name: one for name, one in found.items() if name != self._database} if isinstance(found, dict) else {}

    def _put(self, place: Place, others: dict[str, Any], memory: Memory) -> None:
        place.write(json.dumps({**({} if place.small else others), self._database: memory.plain(small=place.small)}))

    def _recall(self, place: Place) -> Memory | str | None:
        """Return what a place remembers, nothing, or what is wrong with it in words."""
        try:
            text = place.read()
            found = None if not text else json.loads(text).get(self._database)
            return None if found is None else Memory.parse(found)
        except LecternError as error:
            log.info("a witness of the audit log does not answer", witness=place.name, error_code=error.code)
            return None
        except (ValueError, AttributeError):
            return f"what the {place.name} remembers cannot be read"


def facts(said: Sequence[Witness]) -> WitnessFacts:
    """Return the figures of all answers."""
    return WitnessFacts(
        total=len(said),
        off_machine=sum(one.outside for one in said),
        agreeing=sum(not one.problems for one in said),
    )


def _newer(old: str, new: str) -> str:
    if not old or not new:
        return old or new
    return new if parse(new)[0].seal > parse(old)[0].seal else old


def _against_head(conn: Connection, memory: Memory, name: str) -> tuple[Problem, ...]:
    if not memory.note:
        return ()
    known = parse(memory.note)[0]
    present = conn.execute(select(audit_generation.c.log).order_by(audit_generation.c.generation).limit(1)).scalar()
    newest = conn.execute(select(func.coalesce(func.max(audit_seal.c.id), 0))).scalar_one()
    if present is None or newest < known.seal:
        return (Problem(kind="rollback", detail=f"the {name} remembers seal {known.seal}, the log ends with seal {newest}"),)
    if present != known.log:
        return (Problem(kind="witness", detail=f"the {name} remembers another log here"),)
    return _same_head(conn, known, name)


def _same_head(conn: Connection, known: Checkpoint, name: str) -> tuple[Problem, ...]:
    head = conn.execute(select(audit_seal.c.head).where(audit_seal.c.id == known.seal)).scalar()
    if head is None or bytes(head) != known.head:
        return (Problem(kind="witness", detail=f"the {name} remembers another seal {known.seal}: there are two histories"),)
    return ()


def _against_writers(conn: Connection, memory: Memory, name: str) -> tuple[Problem, ...]:
    """Hold the last rows of this computer's writers against what is there."""
    problems = []
    for writer, link in memory.writers.items():
        leaf = _stored(conn, writer, link)
        if leaf is None:
            problems.append(
                Problem(kind="truncated", detail=f"the {name} remembers event {link.wseq} of writer {writer}, which is not there")
            )
        elif leaf != link.leaf:
            problems.append(Problem(kind="changed", detail=f"the {name} remembers event {link.wseq} of writer {writer} otherwise"))
    return tuple(problems)


def _stored(conn: Connection, writer: str, link: Link) -> bytes | None:
    for rows in (audit_event.c, audit_erased.c):
        query = select(rows.leaf).where(rows.at == link.at, rows.writer == writer, rows.wseq == link.wseq)
        found = conn.execute(query.limit(1)).scalar()
        if found is not None:
            return bytes(found)
    return None


def _unsealed(conn: Connection, links: Mapping[str, Link]) -> dict[str, Link]:
    """Return the rows that no seal covers yet, and those that are not there."""
    if not links:
        return {}
    times: list[dt.datetime] = [link.at for link in links.values()]
    placed = audit_event.join(audit_position, audit_position.c.event_id == audit_event.c.id)
    query = select(audit_event.c.writer, audit_event.c.wseq, audit_event.c.leaf).select_from(placed)
    sealed = {(row.writer, row.wseq, bytes(row.leaf)) for row in conn.execute(query.where(audit_event.c.at.in_(times)))}
    left = {name: link for name, link in links.items() if (name, link.wseq, link.leaf) not in sealed}
    return dict(list(left.items())[-MOST_WRITERS:])
