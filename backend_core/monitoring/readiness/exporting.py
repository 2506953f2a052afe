"""A readiness report as a file that others can rely on: JSON with a signature, or a PDF that shows it and carries the same JSON inside."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from backend_core.audit.export import private
from backend_core.audit.key_statements import check_signature, key_id_of
from backend_core.audit.keys import SealKey
from backend_core.errors import InvalidInput
from backend_core.memory.exporting import writing_to
from backend_core.monitoring.readiness.records import Exported, Report, plain
from backend_core.privacy.report import canonical

# the modules that draw load a library the window can do without
FORMAT: Final = "lectern-readiness-report/1"
INSIDE: Final = "readiness.json"
JSON, PDF = ".json", ".pdf"
ENDINGS: Final = (JSON, PDF)
LARGEST: Final = 20_000_000
_DOMAIN: Final = f"{FORMAT}\n".encode()


def write(report: Report, path: Path, *, signer: SealKey) -> None:
    """Write a report as a signed file; the ending of its name says of which kind.

    Raises:
        StorageFailed: it cannot be written.
    """
    content = content_of(report, public=signer.public)
    if path.suffix.lower() == JSON:
        data = signed(content, signer)
    else:
        from backend_core.privacy import drawing

        with drawing.LOCK:
            data = _pdf(content, signer)
    with writing_to(path) as made, private(made) as file:
        file.write(data)


def content_of(report: Report, *, public: bytes) -> dict[str, Any]:
    """Return what is signed; whether this person may sign off is theirs, and left out."""
    facts = plain(report)
    for name in ("may_sign", "why_not"):
        del facts[name]
    return {"format": FORMAT, "report": facts, "key": {"id": key_id_of(public), "public": base64.b64encode(public).decode()}}


def signed(content: Mapping[str, Any], signer: SealKey) -> bytes:
    """Return the file: what is signed, and the signature."""
    signature = base64.b64encode(signer.sign(_DOMAIN + canonical(content))).decode()
    return canonical({"content": content, "signature": signature}) + b"\n"


def _pdf(content: dict[str, Any], signer: SealKey) -> bytes:
    # first the pages, then what their words hash to, then the page with the signature over all of it
    from backend_core.monitoring.readiness import pages
    from backend_core.privacy import drawing

    made = pages.draw(content["report"])
    content["pages_sha256"] = drawing.words_sha256(made.copy())
    inside = signed(content, signer)
    pages.draw_signature(made, content, json.loads(inside)["signature"])
    made.attach(INSIDE, inside)
    return made.bytes()


def verify(path: Path, *, trusted: Collection[str]) -> Exported:
    """Check a report from its file alone, and its key against those that the audit log knows.

    Raises:
        InvalidInput: no report.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        inside, words = (data, None) if data[:1] == b"{" else _inside(data)
        parsed = json.loads(inside)
        content, signature = parsed["content"], base64.b64decode(parsed["signature"], validate=True)
        key, number = content["key"], int(content["report"]["run_id"])
        public = base64.b64decode(key["public"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise InvalidInput("That file is no readiness report.") from None
    problems = []
    if not check_signature(public, _DOMAIN + canonical(content), signature):
        problems.append("The content was changed after it was signed, or the signature is of something else.")
    if key["id"] != key_id_of(public) or key["id"] not in trusted:
        problems.append("The audit log does not know the key of the signature.")
    if words is not None and words != content.get("pages_sha256"):
        problems.append("The pages do not show what was signed.")
    return Exported(ok=not problems, run=number, key_id=str(key["id"]), problems=tuple(problems))


def _inside(data: bytes) -> tuple[bytes, str]:
    from backend_core.privacy import drawing

    with drawing.LOCK:
        found = drawing.attached(data, INSIDE)
        if found is None:
            message = "no report inside"
            raise ValueError(message)
        # the last page shows the signature and cannot be signed itself
        return found, drawing.words_sha256(data, last=1)
