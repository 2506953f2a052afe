"""Signed checkpoints: the state of the log after one seal, as a signed note (C2SP) that any copy of it can be held against.

Pure functions over the standard library, so that a verifier can carry this file along; signatures are made and checked elsewhere.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import Final

ORIGIN: Final = "lectern/audit/"
ALGORITHM: Final = b"\x01"
"""Ed25519, as signed notes number it."""

KEY_HASH_BYTES: Final = 4
_HEAD: Final = b"lectern-head\n"
_START: Final = b"lectern-log\n"
_LINES: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log after one seal.

    Attributes:
        log: name of the log, given when its first seal was made.
        generation: 1, and one more after each restore into another database server.
        seal: number of the seal, from 1 without gaps.
        first: position of its first row.
        last: position of its last row; rows sealed in all.
        root: Merkle root over its rows.
        head: hash over this seal and, through the head before it, all earlier ones.
        at: when it was sealed, in microseconds since 1970 UTC.
        horizon: the oldest transaction that was running then; everything older was sealed or given up.
        seen: newest row and first transaction not yet begun at that moment, when no row was left to be sealed.
    """

    log: str
    generation: int
    seal: int
    first: int
    last: int
    root: bytes
    head: bytes
    at: int
    horizon: int
    seen: tuple[int, int] | None


def start(log: str) -> bytes:
    """Return what stands in for the head before the first seal of a log."""
    return hashlib.sha256(_START + log.encode()).digest()


def head(previous: bytes, made: Checkpoint) -> bytes:
    """Return the head after a seal: everything a checkpoint says but its head, chained to the head before."""
    return hashlib.sha256(_HEAD + previous + body(replace(made, head=b"")).encode()).digest()


def body(made: Checkpoint) -> str:
    """Return the text that is signed: origin, size, head, then one line per further fact; it ends with a line feed."""
    seen = "- -" if made.seen is None else f"{made.seen[0]} {made.seen[1]}"
    lines = (
        f"{ORIGIN}{made.log}",
        str(made.last),
        base64.b64encode(made.head).decode(),
        f"generation {made.generation}",
        f"seal {made.seal}",
        f"first {made.first}",
        f"root {base64.b64encode(made.root).decode()}",
        f"at {made.at}",
        f"horizon {made.horizon} {seen}",
    )
    return "\n".join(lines) + "\n"


def note(text: str, *, key_id: str, public: bytes, signature: bytes) -> str:
    """Return ``text`` with its signature line."""
    return f"{text}\n— {key_id} {base64.b64encode(key_hash(key_id, public) + signature).decode()}\n"


def key_hash(key_id: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hashlib.sha256(key_id.encode() + b"\n" + ALGORITHM + public).digest()[:KEY_HASH_BYTES]


def parse(text: str) -> tuple[Checkpoint, str, bytes]:
    """Return the facts of a signed note, the id of the key that signed it, and the signature.

    Raises:
        ValueError: not a checkpoint of Lectern.
        KeyError: a fact is missing.
    """
    signed, _, line = text.partition("\n\n")
    mark, key_id, coded = line.rstrip("\n").split(" ")
    lines = signed.split("\n")
    if mark != "—" or len(lines) != _LINES or not lines[0].startswith(ORIGIN):
        raise ValueError("no checkpoint of Lectern")
    facts = dict(line.split(" ", 1) for line in lines[3:])
    horizon, row, transaction = facts["horizon"].split(" ")
    found = Checkpoint(
        log=lines[0].removeprefix(ORIGIN),
        last=int(lines[1]),
        head=base64.b64decode(lines[2], validate=True),
        generation=int(facts["generation"]),
        seal=int(facts["seal"]),
        first=int(facts["first"]),
        root=base64.b64decode(facts["root"], validate=True),
        at=int(facts["at"]),
        horizon=int(horizon),
        seen=None if row == "-" else (int(row), int(transaction)),
    )
    if body(found) != signed + "\n":
        raise ValueError("no checkpoint of Lectern")
    return found, key_id, base64.b64decode(coded, validate=True)[KEY_HASH_BYTES:]


def when(made: Checkpoint) -> dt.datetime:
    """Return when the seal was made, in UTC."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=made.at)
