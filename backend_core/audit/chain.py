"""The one text of an audit row and the hash that chains it to the row before it of the same writer.

Pure functions over the standard library, so that a verifier can carry this file along. PostgreSQL builds the same bytes from a stored
row with ``json_build_array``; every value that a row may hold has exactly one text, and NULL differs from the empty text.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

FIELDS: Final = (
    "writer", "wseq", "at", "actor", "actor_id", "role", "action", "target", "outcome", "reason", "before", "after",
    "workstation", "client_version", "correlation_id",
)  # fmt: skip
"""What the hash covers, in this order."""

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)
REPLACEMENT: Final = "\ufffd"
LONGEST_NUMBER: Final = 1000
DEEPEST: Final = 50
_AT: Final = FIELDS.index("at")
_FACTS: Final = (FIELDS.index("before"), FIELDS.index("after"))
_DIGITS: Final = re.compile(r"-?\d+\.\d+")
LARGEST: Final = 2**63
_CONTAINERS: Final = (Mapping, set, frozenset, list, tuple)
_WRITER: Final = b"lectern-writer\n"
# made once: a new one for each text costs more than all the rest
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def canonical(row: Mapping[str, Any]) -> str:
    r"""Return the text of a row: a JSON array of ``FIELDS`` as PostgreSQL writes it.

    ``at`` is microseconds since 1970 UTC; ``before`` and ``after`` are the text of the stored ``jsonb`` as a JSON string, so that a
    row without them differs from one with a JSON null.

    >>> made = dict.fromkeys(FIELDS) | {"writer": "w", "wseq": 1, "at": EPOCH, "reason": "", "after": {"b": 1, "a": None}}
    >>> canonical(made)
    '["w", 1, 0, null, null, null, null, null, null, "", null, "{\\"a\\": null, \\"b\\": 1}", null, null, null]'
    """
    values = [row[name] for name in FIELDS]
    values[_AT] = microseconds(values[_AT]) if isinstance(values[_AT], dt.datetime) else values[_AT]
    for place in _FACTS:
        found = values[place]
        values[place] = found if found is None or isinstance(found, str) else jsonb_text(found)
    return _JSON.encode(values)


def leaf(previous: bytes, text: str) -> bytes:
    """Return the hash of a row with the text ``text`` after the row with the hash ``previous``."""
    return hashlib.sha256(previous + text.encode()).digest()


def origin(writer: str) -> bytes:
    """Return what stands in for the hash before a writer's first row."""
    return hashlib.sha256(_WRITER + writer.encode()).digest()


def microseconds(at: dt.datetime) -> int:
    """Return microseconds since 1970 UTC."""
    return (at - EPOCH) // MICROSECOND


def jsonb_text(value: object) -> str:
    """Return the text PostgreSQL gives for ``value`` stored as ``jsonb``: keys by length, then bytes; numbers without exponents.

    Raises:
        ValueError: nothing that ``storable`` returns.
    """
    if isinstance(value, Mapping):
        keys = sorted(value, key=_in_order)
        if all(map(_written_alike, value.values())):
            # both write these alike, and one call for all is what makes a row cheap
            return _JSON.encode({key: value[key] for key in keys})
        return "{" + ", ".join(f"{_string(key)}: {jsonb_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    return _scalar(value)


def stored_text(facts: Mapping[str, object]) -> str:
    """Return the text of what is stored of ``facts``: ``jsonb_text(storable(facts))``, at once where nothing has to be replaced."""
    if all(type(key) is str and key.isascii() and _written_alike(value) for key, value in facts.items()):
        text = _JSON.encode({key: facts[key] for key in sorted(facts, key=_in_order)})
        if text.isascii() and "u0000" not in text:
            return text
    return jsonb_text(storable(facts))


def storable(value: object, *, depth: int = 0) -> Any:
    """Return ``value`` as JSON that the database keeps without loss; what it cannot hold is replaced.

    NUL and halves of surrogate pairs become U+FFFD, numbers that are none or too long become words, keys become text, sets are sorted,
    whatever JSON does not know becomes its text. What lies too deep is left out.
    """
    if type(value) is str:
        return plain(value)
    if isinstance(value, _CONTAINERS):
        return _container(value, depth=depth + 1) if depth < DEEPEST else "(too deep)"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _number(value)
    return plain(value.isoformat() if isinstance(value, dt.date) else str(value))


def _container(value: object, *, depth: int) -> object:
    if isinstance(value, Mapping):
        return {plain(str(key)): storable(item, depth=depth) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((storable(item, depth=depth) for item in value), key=str)
    return [storable(item, depth=depth) for item in value] if isinstance(value, list | tuple) else None


def plain(text: str) -> str:
    """Return ``text`` with what PostgreSQL cannot store replaced.

    >>> plain("a" + chr(0) + "b" + chr(0xD800))
    'a�b�'
    """
    if text.isascii() and "\0" not in text:
        return text
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(REPLACEMENT if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def _written_alike(value: object) -> bool:
    """Whether the JSON writer of the standard library gives a value the text that PostgreSQL gives it."""
    if type(value) is float:
        # no exponent, no zero with a sign, and a number at all
        return value != 0 and _DIGITS.fullmatch(repr(value)) is not None
    if type(value) is int:
        return -LARGEST < value < LARGEST
    return value is None or type(value) in {str, bool}


def _in_order(key: str) -> tuple[int, bytes]:
    coded = key.encode()
    return len(coded), coded


def _string(text: str) -> str:
    return _JSON.encode(text)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return decimal_text(value)
    raise ValueError(f"{type(value).__name__} has no text in jsonb")


def decimal_text(value: float | Decimal) -> str:
    """Return a number as PostgreSQL's ``numeric`` writes it.

    >>> decimal_text(1e22), decimal_text(-0.0), decimal_text(1.5e-7), decimal_text(Decimal("1.50"))
    ('10000000000000000000000', '0.0', '0.00000015', '1.50')
    """
    # repr is what the JSON writer sends, so digits are those that arrive
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return format(abs(exact) if exact.is_zero() else exact, "f")


def _number(value: float | Decimal) -> object:
    if isinstance(value, int):
        return int(value) if abs(value) < 10**LONGEST_NUMBER else "(number too long)"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if not value.is_finite():
        return str(value)
    # the JSON writer of the standard library knows no decimals; as text no digit is lost
    return format(value, "f") if abs(value.adjusted()) < LONGEST_NUMBER else "(number too long)"
