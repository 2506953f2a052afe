"""Erasure receipts: what was erased, where and when, without a word of it; signed, and checked from the file alone.

Pure but for ``Keys``: a receipt is a JSON object ``{"receipt": …, "signature": …}``, and the signature covers the canonical text of its
first part: keys sorted, no blanks, UTF-8, after one line that says what is signed.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import secrets
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend_core.audit.key_statements import check_signature, key_id_of
from backend_core.memory.forget_records import ReceiptVerdict

FORMAT: Final = "lectern-erasure/1"
MEMORY: Final = "memory"
PERSON: Final = "person"
VERIFY: Final = "lecternctl memory receipt verify FILE"
LONGEST: Final = 100_000
_DOMAIN: Final = f"{FORMAT}\n".encode()
_FIELDS: Final = frozenset(
    {"format", "id", "kind", "subject", "asked_by", "asked_at", "erased_at", "hard", "counts", "remains", "key", "verify"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """Where a copy may be left for a while.

    Attributes:
        where: ``write-ahead log``, ``backups`` or ``data files``.
        until: latest moment, UTC; None where nobody can say one.
        note: the same in a sentence.
    """

    where: str
    until: dt.datetime | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a receipt says.

    Attributes:
        subject: public id of the container or of the contact; the receipt holds only its salted hash.
        asked_by: an operator, or ``contact``.
    """

    id: uuid.UUID
    kind: str
    subject: uuid.UUID
    asked_by: str
    asked_at: dt.datetime
    erased_at: dt.datetime
    hard: bool
    counts: Mapping[str, int]
    remains: Sequence[Remains]


def document(facts: Facts, *, public: bytes) -> dict[str, Any]:
    """Return the content of a receipt, to be signed by the key whose public part is ``public``."""
    salt = secrets.token_hex(16)
    return {
        "format": FORMAT,
        "id": str(facts.id),
        "kind": facts.kind,
        "subject": {"salt": salt, "sha256": subject_hash(facts.subject, salt)},
        "asked_by": facts.asked_by,
        "asked_at": _moment(facts.asked_at),
        "erased_at": _moment(facts.erased_at),
        "hard": facts.hard,
        "counts": dict(facts.counts),
        "remains": [{"where": one.where, "until": one.until and _moment(one.until), "note": one.note} for one in facts.remains],
        "key": {"id": key_id_of(public), "public": base64.b64encode(public).decode()},
        "verify": VERIFY,
    }


def subject_hash(subject: uuid.UUID, salt: str) -> str:
    """Return what a receipt holds instead of an id: whoever knows the id can tell that the receipt is about it.

    >>> subject_hash(uuid.UUID(int=1), "00")[:16]
    'bd839e8f98c7bf2b'
    """
    return hashlib.sha256(bytes.fromhex(salt) + subject.bytes).hexdigest()


def is_about(receipt: Mapping[str, Any], subject: uuid.UUID) -> bool:
    """Return whether a receipt is about this container or contact."""
    named = receipt["subject"]
    return bool(named["sha256"] == subject_hash(subject, named["salt"]))


def canonical(content: Mapping[str, Any]) -> str:
    """Return the one text of a receipt's content."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def signed_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed."""
    return _DOMAIN + canonical(content).encode()


def file_text(content: Mapping[str, Any], signature: bytes) -> str:
    """Return the receipt as a file: one line of JSON."""
    return canonical({"receipt": content, "signature": base64.b64encode(signature).decode()}) + "\n"


def verify(text: str | bytes, *, trusted: Collection[str] | None = None) -> ReceiptVerdict:
    """Check a receipt from its file alone.

    Args:
        text: the file.
        trusted: ids of keys somebody vouches for: those of the audit log, or one remembered elsewhere. Without it the verdict says only
            that the receipt is as its own key signed it.
    """
    try:
        content, signature = _read(text)
    except (ValueError, RecursionError):
        return ReceiptVerdict(ok=False, problems=(("unreadable", _UNREADABLE),), key_id="", known_key=None, facts={})
    problems: list[tuple[str, str]] = []
    key_id, public = content["key"]["id"], _bytes(content["key"]["public"])
    if public is None or key_id_of(public) != key_id:
        problems.append(("key", "The key in the receipt is not the one it names."))
    if public is None or signature is None or not check_signature(public, signed_bytes(content), signature):
        problems.append(("signature", "The signature does not fit: the receipt was changed after it was signed."))
    known = None if trusted is None else key_id in trusted
    if known is False:
        problems.append(("unknown_key", "The receipt was signed by a key that nobody vouches for."))
    return ReceiptVerdict(ok=not problems, problems=tuple(problems), key_id=key_id, known_key=known, facts=content)


_UNREADABLE: Final = "This is no erasure receipt, or it is damaged."


def _read(text: str | bytes) -> tuple[dict[str, Any], bytes | None]:
    if len(text) > LONGEST:
        raise ValueError
    # a name given twice would let one reader see what another does not
    whole = json.loads(text, object_pairs_hook=_once, parse_constant=_refused, parse_float=_refused)
    if not _is_object(whole, {"receipt", "signature"}) or not _is_object(whole["receipt"], _FIELDS):
        raise ValueError
    content: dict[str, Any] = whole["receipt"]
    if content["format"] != FORMAT or content["kind"] not in {MEMORY, PERSON}:
        raise ValueError
    if not _is_object(content["key"], {"id", "public"}) or not _is_object(content["subject"], {"salt", "sha256"}):
        raise ValueError
    if not isinstance(content["counts"], dict) or not all(type(count) is int for count in content["counts"].values()):
        raise ValueError
    return content, _bytes(whole["signature"])


def _is_object(value: Any, names: Collection[str]) -> bool:
    return isinstance(value, dict) and set(value) == set(names)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _refused(_text: str) -> Any:
    raise ValueError


def _bytes(text: Any) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")
