"""Which key was believed at which seal: the signed statements about keys read in order, each believed only as far as the ones before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from backend_core.audit.key_statements import INTRODUCED, REQUESTED, RETIRED, KeyStatement, check_signature, key_id_of

LATE: Final = dt.timedelta(minutes=10)


@dataclass(slots=True)
class Trusted:
    """One key.

    Attributes:
        since: it may sign seals after this one.
        until: it may sign seals up to this one; ``None`` while it is in use.
        ended_at: when it was retired.
    """

    public: bytes
    since: int
    until: int | None = None
    ended_at: dt.datetime | None = None


@dataclass(slots=True)
class Trust:
    """What the statements add up to.

    Attributes:
        keys: by id.
        roots: keys that introduced themselves.
        problems: what does not hold, in words.
    """

    keys: dict[str, Trusted] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def seal_signed(self, key_id: str, seal: int, payload: bytes, signature: bytes) -> bool:
        """Return whether a key that was believed at this seal signed it."""
        key = self.keys.get(key_id)
        if key is None or seal <= key.since or (key.until is not None and seal > key.until):
            return False
        return check_signature(key.public, payload, signature)

    def signed_at(self, key_id: str, at: dt.datetime, payload: bytes, signature: bytes) -> bool:
        """Return whether a key that was believed at this time signed it."""
        key = self.keys.get(key_id)
        if key is None or (key.ended_at is not None and at > key.ended_at + LATE):
            return False
        return check_signature(key.public, payload, signature)


def read(found: Iterable[KeyStatement], *, accepted: frozenset[str]) -> Trust:
    """Return which keys are believed.

    Args:
        found: the statements in order.
        accepted: keys that may introduce themselves, as witnesses remember them; empty takes the first one there is.
    """
    trust = Trust()
    seal = 0
    for place, one in enumerate(found, start=1):
        if one.id != place:
            trust.problems.append(f"statement {place} about keys is missing")
            return trust
        if one.after_seal < seal:
            trust.problems.append(f"statement {one.id} about keys is out of order")
        seal = max(seal, one.after_seal)
        _take(trust, one, accepted)
    return trust


def _take(trust: Trust, one: KeyStatement, accepted: frozenset[str]) -> None:
    itself = one.signed_by == one.key_id and one.event in {INTRODUCED, REQUESTED}
    public = one.public if itself else _public(trust.keys, one)
    if key_id_of(one.public) != one.key_id or public is None or not check_signature(public, one.signed(), one.signature):
        trust.problems.append(f"statement {one.id} about the key {one.key_id} is not signed by a known key")
        return
    if one.event == INTRODUCED:
        if itself and (trust.roots or accepted) and one.key_id not in accepted:
            trust.problems.append(f"the key {one.key_id} introduced itself")
        if itself:
            trust.roots.append(one.key_id)
        trust.keys[one.key_id] = Trusted(one.public, since=one.after_seal)
    elif one.event == RETIRED and one.key_id in trust.keys:
        trust.keys[one.key_id].until, trust.keys[one.key_id].ended_at = one.after_seal, one.at


def _public(keys: Mapping[str, Trusted], one: KeyStatement) -> bytes | None:
    signer = keys.get(one.signed_by)
    if signer is None or (signer.until is not None and one.after_seal > signer.until):
        return None
    return signer.public
