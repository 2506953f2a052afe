"""A report as a file that others can rely on: JSON with a signature, or a PDF that shows it and carries the same JSON inside."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend_core.audit.export import private
from backend_core.audit.key_statements import check_signature, key_id_of
from backend_core.audit.keys import SealKey
from backend_core.errors import InvalidInput
from backend_core.memory.exporting import writing_to
from backend_core.privacy.records import ReportVerdict

# drawing loads a library the window can do without
if TYPE_CHECKING:
    from backend_core.privacy.drawing import Drawing

JSON, PDF = ".json", ".pdf"
LARGEST: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of report.

    Attributes:
        format: its name and version, which the signature covers.
        called: in sentences, ``privacy report``.
        inside: name of the JSON file in the PDF.
        outer: name of what is signed, in the JSON file.
        verify: command that checks it.
        draw: makes the pages; it may load the drawing library.
        number: takes the number of the run out of what is signed.
    """

    format: str
    called: str
    inside: str
    outer: str
    verify: str
    draw: Callable[[dict[str, Any]], Drawing]
    number: Callable[[Mapping[str, Any]], Any]

    @property
    def domain(self) -> bytes:
        """What no signature of another kind begins with."""
        return f"{self.format}\n".encode()


def ending(path: Path) -> str:
    """Return the ending of the file.

    Raises:
        InvalidInput: neither ``.json`` nor ``.pdf``.
    """
    found = path.suffix.lower()
    if found not in {JSON, PDF}:
        raise InvalidInput("A report is a .pdf or a .json file; give its name one of these endings.")
    return found


def write(kind: Kind, content: dict[str, Any], path: Path, *, signer: SealKey) -> None:
    """Write ``content`` as a signed file; the ending of its name says of which kind.

    Raises:
        InvalidInput: neither ``.json`` nor ``.pdf``, or no file.
        StorageFailed: it cannot be written.
    """
    known = {"format": kind.format, "key": {"id": key_id_of(signer.public), "public": base64.b64encode(signer.public).decode()}}
    whole = content | known
    if ending(path) == JSON:
        data = signed(kind, whole, signer)
    else:
        from backend_core.privacy import drawing

        with drawing.LOCK:
            data = _pdf(kind, whole, signer)
    with writing_to(path) as made, private(made) as file:
        file.write(data)


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the one way to write ``content``: keys sorted, no blanks, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def signed(kind: Kind, content: Mapping[str, Any], signer: SealKey) -> bytes:
    """Return the file: what is signed, and the signature."""
    signature = base64.b64encode(signer.sign(kind.domain + canonical(content))).decode()
    return canonical({kind.outer: content, "signature": signature}) + b"\n"


def _pdf(kind: Kind, content: dict[str, Any], signer: SealKey) -> bytes:
    # first the pages, then what their words hash to, then the page with the signature over all of it
    from backend_core.privacy import drawing

    made = kind.draw(content)
    content["pages_sha256"] = drawing.words_sha256(made.copy())
    inside = signed(kind, content, signer)
    _draw_signature(made, kind, content, json.loads(inside)["signature"])
    made.attach(kind.inside, inside)
    return made.bytes()


def _draw_signature(made: Drawing, kind: Kind, content: Mapping[str, Any], signature: str) -> None:
    """Add the last page, which says who vouches for the others."""
    from backend_core.privacy.drawing import MARGIN, MUTED, WIDTH

    made.new_page()
    made.paragraph("Signature", size=13, face="bold")
    made.paragraph(f"Ed25519 over the report inside this file ({kind.inside}) and over the words of the pages before this one.")
    key, digest = content["key"], content["pages_sha256"]
    for name, words in (("key", key["id"]), ("public", key["public"]), ("signature", signature), ("pages", digest)):
        made.y += 3
        made.text(name, size=8, colour=MUTED)
        made.paragraph(words, x=MARGIN + 60, size=8, face="mono")
    made.y += 8
    made.box(x=MARGIN, width=WIDTH - 2 * MARGIN, height=0.7, colour=MUTED)
    made.y += 6
    made.paragraph(f"`{kind.verify}` checks it against the keys that the audit log knows.", colour=MUTED)


def verify(kind: Kind, path: Path, *, trusted: Collection[str]) -> ReportVerdict:
    """Check a report from its file alone, and its key against those that the audit log knows.

    Raises:
        InvalidInput: no report of this kind.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        inside, words = (data, None) if data[:1] == b"{" else _inside(kind, data)
        parsed = json.loads(inside)
        content, signature = parsed[kind.outer], base64.b64decode(parsed["signature"], validate=True)
        key, number = content["key"], int(kind.number(content))
        public = base64.b64decode(key["public"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise InvalidInput(f"That file is no {kind.called}.") from None
    problems = []
    if not check_signature(public, kind.domain + canonical(content), signature):
        problems.append("The content was changed after it was signed, or the signature is of something else.")
    if key["id"] != key_id_of(public) or key["id"] not in trusted:
        problems.append("The audit log does not know the key of the signature.")
    if words is not None and words != content.get("pages_sha256"):
        problems.append("The pages do not show what was signed.")
    return ReportVerdict(ok=not problems, run=number, key_id=str(key["id"]), problems=tuple(problems))


def _inside(kind: Kind, data: bytes) -> tuple[bytes, str]:
    from backend_core.privacy import drawing

    with drawing.LOCK:
        found = drawing.attached(data, kind.inside)
        if found is None:
            message = "no report inside"
            raise ValueError(message)
        # the last page shows the signature and cannot be signed itself
        return found, drawing.words_sha256(data, last=1)
