"""Input validation: what comes from outside is refused where it is hostile, before anything of it is kept."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend_core.documents.extraction.limits import Limits
from backend_core.documents.extraction.refusals import Refusal
from backend_core.documents.names import MAX_BYTES
from backend_core.errors import InvalidInput, LecternError, TooLarge
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import INPUTS
from backend_core.monitoring.readiness.check import DAY, HOUR, Check, Finding, listed, not_yet

GATEWAY: Final = "The gateway is not part of this version."
NAMES: Final = (
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\evil.txt",
    "%2e%2e%2f%2e%2e%2fetc%2fshadow",
    "%25252e%25252e%25252fdeep.txt",
    "C:\\autoexec.bat",
    "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH SOLIDUS}wide.txt",
    "name\x00.pdf.exe",
    "CON.txt",
    "report\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe",
    "long" * 200 + ".txt",
    "",
)
FORBIDDEN: Final = frozenset("/\\:\x00\N{RIGHT-TO-LEFT OVERRIDE}")
BOMB_BYTES: Final = 4 * 2**20
SMALL: Final = Limits(file_bytes=1024, unpacked_bytes=2**20, members=100)
IDENTIFIERS: Final = (
    ("phone", "1; DROP TABLE contacts"),
    ("phone", "+1555<script>"),
    ("phone", "12"),
    ("persona", "../sage"),
    ("persona", "Sage' OR '1'='1"),
    ("persona", "x" * 41),
    ("chat", ""),
    ("chat", "chat\x00one"),
    ("chat", "x" * 256),
)
SETTINGS: Final[tuple[tuple[str, object], ...]] = (
    ("max_audios_per_page", 0),
    ("max_audios_per_page", 10**9),
    ("max_audios_per_page", "4; DROP TABLE house_settings"),
    ("uploads_per_hour", -1),
    ("generation_enabled", "yes"),
    ("monthly_budget", "1e9"),
)


def _tried(pairs: list[tuple[str, str]], wrong: int) -> Finding:
    return listed("fail" if wrong else "pass", f"{len(pairs) - wrong} of {len(pairs)} refused or made harmless", pairs)


def file_names(around: Around) -> Finding:
    """Give names that climb, hide or overflow."""
    pairs, wrong = [], 0
    for name in NAMES:
        made = (around.parts.safe_name(name), around.parts.object_name(name))
        bad = any(_harmful(one) for one in made)
        wrong += bad
        pairs.append((ascii(name[:60]), f"{'NOT harmless: ' if bad else ''}{made[0][:60]}"))
    return _tried(pairs, wrong)


def _harmful(name: str) -> bool:
    climbs = ".." in name or name in {"", ".", "CON.txt"}
    return climbs or bool(FORBIDDEN & set(name)) or len(name.encode()) > MAX_BYTES


def archive(around: Around) -> Finding:
    """Hand over archives that unpack to far more than they are, or climb out of their folder; nothing of them is kept."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        made = {"a file that swells 1,000 times": _bomb(Path(folder)), "a member that climbs": _climber(Path(folder))}
        pairs = [(what, _refused(lambda path=path: around.parts.check_archive(path, limits=SMALL))) for what, path in made.items()]  # type: ignore[misc]  # bound in the loop
    return _tried(pairs, sum(told.startswith("NOT") for _, told in pairs))


def _bomb(folder: Path) -> Path:
    path = folder / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("word/document.xml", b"\0" * BOMB_BYTES)
    return path


def _climber(folder: Path) -> Path:
    path = folder / "climber.docx"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("../../outside.xml", b"<x/>")
    return path


def _refused(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Refusal as refusal:
        return f"refused: {refusal.code}"
    except LecternError as error:
        return f"refused: {error.code}"
    return "NOT refused"


def files(around: Around) -> Finding:
    """Hand over files that are not what their name says, or are over a limit."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as name:
        folder = Path(name)
        made = {
            "a program named .pdf": (b"MZ\x90\x00" + b"\0" * 60, "report.pdf"),
            "a PDF named .txt": (b"%PDF-1.7\n", "notes.txt"),
            "an archive named .md": (b"PK\x03\x04" + b"\0" * 26, "notes.md"),
            "an unknown kind": (b"echo", "run.sh"),
            "an empty file": (b"", "empty.txt"),
        }
        pairs = []
        for number, (what, (content, filename)) in enumerate(made.items()):
            path = folder / str(number)
            path.write_bytes(content)
            pairs.append((what, _refused(lambda path=path, filename=filename: around.parts.kind_of(path, filename=filename))))  # type: ignore[misc]  # bound in the loop
        large = folder / "large"
        large.write_bytes(b"x" * (SMALL.file_bytes + 1))
        pairs.append(("a file over the limit", _too_large(around, large)))
    return _tried(pairs, sum(told.startswith("NOT") for _, told in pairs))


def _too_large(around: Around, path: Path) -> str:
    try:
        around.parts.read_file(path, kind="txt", limits=SMALL)
    except TooLarge as error:
        return f"refused: {error.code}"
    return "NOT refused"


def identifiers(around: Around) -> Finding:
    """Give phone numbers, personas and chats that are none."""
    pairs = []
    for kind, value in IDENTIFIERS:
        try:
            around.parts.identifiers[kind](value)
            told = "NOT refused"
        except InvalidInput:
            told = "refused"
        pairs.append((f"{kind}: {value[:40]!r}", told))
    return _tried(pairs, sum(told.startswith("NOT") for _, told in pairs))


def settings(around: Around) -> Finding:
    """Give house settings values that are out of bounds or of another type."""
    pairs = [(f"{name}: {value!r}", "NOT refused" if around.parts.accepts(name, value) else "refused") for name, value in SETTINGS]
    return _tried(pairs, sum(told.startswith("NOT") for _, told in pairs))


CHECKS: Final = (
    Check(
        id="inputs.names",
        title="Hostile file names become harmless",
        about="Names that climb out of a folder, hide what they are, are devices or overflow, must become safe labels.",
        category=INPUTS,
        threshold="all of them",
        source="live probe; nothing is stored",
        run=file_names,
        weight=2,
        gate=True,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="documents",
    ),
    Check(
        id="inputs.archives",
        title="Archives that swell or climb are refused",
        about="A Word document that unpacks to a thousand times its size, and one whose part lies outside its folder.",
        category=INPUTS,
        threshold="both refused",
        source="live probe; nothing is stored",
        run=archive,
        weight=2,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="documents",
    ),
    Check(
        id="inputs.files",
        title="Files that are not what they say are refused",
        about="A program named .pdf, another kind named as text, an empty file, one over the limit.",
        category=INPUTS,
        threshold="all of them",
        source="live probe; nothing is stored",
        run=files,
        weight=2,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="documents",
    ),
    Check(
        id="inputs.identifiers",
        title="Names of people and chats are checked",
        about="Phone numbers, personas and chats with SQL, markup, control characters or too many letters.",
        category=INPUTS,
        threshold="all of them",
        source="live probe",
        run=identifiers,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="people",
    ),
    Check(
        id="inputs.settings",
        title="House settings keep their bounds",
        about="Values out of bounds, of another type, or with SQL in them.",
        category=INPUTS,
        threshold="all of them",
        source="live probe",
        run=settings,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="settings",
    ),
    Check(
        id="inputs.uploads",
        title="Hostile uploads to the gateway are refused",
        about="Path traversal in the name, a size that lies, and a burst, sent over HTTP.",
        category=INPUTS,
        threshold="all of them",
        source="live probe of the gateway",
        run=not_yet(GATEWAY),
        later=GATEWAY,
    ),
)
