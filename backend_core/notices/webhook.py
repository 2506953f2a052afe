"""Notices as one signed JSON document by POST; the format is in ``docs/notices.md``."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = 1
_FACTS: Final = ("kind", "subject", "severity", "title", "body", "page", "target", "correlation_id", "times")
_TIMES: Final = ("raised_at", "last_at", "resolved_at")


def body(row: Mapping[str, Any], *, name: str, attempt: int) -> bytes:
    """Return one event as it is posted."""
    notice = {"id": row["notice_id"]} | {fact: row[fact] for fact in _FACTS}
    notice |= {at: None if row[at] is None else row[at].astimezone(dt.UTC).isoformat() for at in _TIMES}
    return _document(name, event=row["event"], attempt=attempt, notice=notice)


def trial_body(name: str) -> bytes:
    """Return a document of no consequence."""
    return _document(name, event="test", attempt=1, notice=None)


def _document(name: str, *, event: str, attempt: int, notice: Mapping[str, Any] | None) -> bytes:
    content = {"version": VERSION, "source": name, "event": event, "attempt": attempt, "notice": notice}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def headers(content: bytes, *, secret: str, key: str, at: dt.datetime) -> dict[str, str]:
    """Return what goes with a document: when it was signed, by whom, and which event it is however often it comes.

    >>> made = headers(b"{}", secret="key", key="db-1-raised", at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    >>> made["X-Lectern-Timestamp"], made["X-Lectern-Signature"][:13]
    ('1767225600', 'v1=df344de429')
    """
    stamp = str(int(at.timestamp()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Lectern",
        "Idempotency-Key": key,
        "X-Lectern-Timestamp": stamp,
        "X-Lectern-Signature": f"v1={signature(content, secret=secret, stamp=stamp)}",
    }


def signature(content: bytes, *, secret: str, stamp: str) -> str:
    """Return the HMAC-SHA256, in hexadecimal, of the timestamp, a full stop and the body."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
