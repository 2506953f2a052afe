"""The functions of the program that probes try out; a test hands in broken ones and sees their check turn red."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from backend_core.access import throttle
from backend_core.documents import limits as import_limits
from backend_core.documents import names
from backend_core.documents.extraction import docx_archive, kinds, reader
from backend_core.documents.extraction.limits import Limits
from backend_core.errors import ErrorPayload, LecternError, every_error, payload
from backend_core.house.declaration import FIELDS
from backend_core.house.service import write as write_house
from backend_core.redaction import redact_line
from backend_core.safety.breaker import Breaker
from backend_core.safety.limits import LIMITS
from backend_core.safety.moderation import Moderation
from backend_core.safety.rules import LocalRules
from backend_core.scopes.records import chat_guid, persona_slug, phone_number

Validator = Callable[[str], Any]


def _names() -> Mapping[str, Validator]:
    return {"phone": phone_number, "persona": persona_slug, "chat": chat_guid}


def _accepts(name: str, value: object) -> bool:
    return FIELDS[name].accepts(value)


def _read_file(path: Path, *, kind: str, limits: Limits) -> Sequence[Any]:
    return list(reader.extract(path, kind=kind, limits=limits))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is tried out, each as the program itself uses it.

    Attributes:
        moderation: the rules of this computer alone; nothing leaves it.
        minors: the limits of the category ``minors``, by direction.
        admit: counts an attempt to sign in, or refuses it.
        check_imports: refuses an import over the limit.
        safe_name, object_name: turn a name from outside into a harmless one.
        kind_of, check_archive, read_file: look at a file before and while it is read.
        identifiers: turn names from outside into ids, or refuse them.
        accepts: whether a house setting takes a value.
        write_house: writes house settings unless somebody was first.
        every_error, payload: what people are told of a failure.
        breaker: makes a circuit breaker.
        redact: takes secrets out of a line of the log, or of a text.
    """

    moderation: Moderation = field(default_factory=lambda: Moderation(local=LocalRules()))
    minors: Mapping[str, float] = field(default_factory=lambda: {way: limits["minors"] for way, limits in LIMITS.items()})
    admit: Callable[[Connection, Sequence[str]], throttle.Verdict] = throttle.admit
    check_imports: Callable[..., None] = import_limits.check_imports
    safe_name: Callable[[str], str] = names.safe_name
    object_name: Callable[[str], str] = names.object_name
    kind_of: Callable[..., str] = kinds.kind_of
    check_archive: Callable[..., None] = docx_archive.check_archive
    read_file: Callable[..., Sequence[Any]] = _read_file
    identifiers: Mapping[str, Validator] = field(default_factory=_names)
    accepts: Callable[[str, object], bool] = _accepts
    write_house: Callable[..., Any] = write_house
    every_error: Callable[[], Sequence[type[LecternError]]] = every_error
    payload: Callable[..., ErrorPayload] = payload
    breaker: Callable[..., Breaker] = Breaker
    redact: Callable[[str], str] = redact_line
