"""Made-up events of an audit log: two years of plausible work by many people and hosts, in the order of time, with real chains."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from backend_core.audit.chain import jsonb_text, microseconds, origin

DAYS: Final = 731
DAY_US: Final = 86_400_000_000
HOURS: Final = (1, 1, 1, 1, 1, 2, 6, 14, 30, 42, 44, 40, 28, 36, 42, 40, 32, 20, 10, 6, 4, 3, 2, 1)
"""How much of a day's work falls into each hour (UTC)."""

STEPS: Final = 4096
WEEKEND: Final = 0.12
DESKS: Final = 14
VERSIONS: Final = ("0.1.0", "0.1.1", "0.1.2", "0.2.0")
GROUPED: Final = 0.3
PROGRAM: Final = "system"

# action, target, outcome, reason, before, after, how often
_Line = tuple[str, str, str, str | None, dict[str, object] | None, dict[str, object] | None, int]
_VOICE: Final = {"voice": "local:en-gb"}
_SUPPORT: Final[tuple[_Line, ...]] = (
    ("audio.play", "audio", "done", None, None, None, 78),
    ("audio.generate", "audio", "done", None, None, {"page": 1, "voice": "local:en-gb", "status": "PENDING"}, 34),
    ("audio.generate", "audio", "done", None, None, {"page": 7, "voice": "local:de", "status": "PENDING"}, 16),
    ("audio.export", "document", "done", None, None, {"format": "mp3", "pages": 12, "voice": "local:en-gb"}, 14),
    ("audio.export", "document", "failed", None, None, {"format": "zip", "pages": 240, "voice": "local:fr"}, 1),
    ("audio.delete", "audio", "done", None, {"lifetime": "ACTIVE"}, {"lifetime": "DELETED"}, 6),
    ("audio.restore", "audio", "done", None, {"lifetime": "DELETED"}, {"lifetime": "ACTIVE"}, 2),
    ("document.import", "document", "done", None, None, {"kind": "pdf", "size_bytes": 482113}, 18),
    ("document.import", "document", "done", None, None, {"kind": "docx", "size_bytes": 66020}, 8),
    ("document.import", "document", "failed", None, None, {"kind": "pdf", "error_code": "unreadable_file"}, 1),
    ("document.rename", "document", "done", None, {"version": 1}, {"version": 2}, 8),
    ("document.rename", "document", "refused", None, None, None, 1),
    ("document.delete", "document", "done", "Sent by mistake", {"status": "COMPLETED"}, {"deleted": True}, 4),
    ("document.delete", "document", "refused", None, None, None, 1),
    ("document.restore", "document", "done", None, {"deleted": True}, {"deleted": False}, 2),
    ("document.retry", "document", "done", None, {"status": "FAILED"}, {"status": "PENDING"}, 2),
    ("job.retry", "job", "done", None, None, None, 2),
    ("job.cancel", "job", "done", None, None, None, 2),
    ("operator.sign_in", "operator", "done", None, None, None, 3),
    ("operator.sign_in", "operator", "refused", None, None, None, 1),
    ("operator.unlock", "operator", "done", None, None, None, 5),
)
_ADMIN: Final[tuple[_Line, ...]] = (
    ("operator.sign_in", "operator", "done", None, None, None, 10),
    ("operator.unlock", "operator", "done", None, None, None, 12),
    ("settings.update", "settings", "done", None, {"retention_months": 6}, {"retention_months": 12}, 4),
    ("settings.update", "settings", "done", None, {"warning_days": 30}, {"warning_days": 14}, 4),
    ("operator.add", "operator", "done", None, None, {"role": "support"}, 4),
    ("operator.role", "operator", "done", "Takes over from a colleague", {"role": "support"}, {"role": "admin"}, 2),
    ("operator.disable", "operator", "done", "Left the team", {"disabled": False}, {"disabled": True}, 2),
    ("document.delete", "document", "done", "Asked for by its author", {"status": "COMPLETED"}, {"deleted": True}, 12),
    ("audio.play", "audio", "done", None, None, None, 24),
    ("job.retry", "job", "done", None, None, None, 8),
    ("backup.create", "backup", "done", None, None, {"encrypted": True}, 3),
    ("alert.acknowledge", "alert", "done", None, None, {"rule": "mass_reads"}, 3),
)
_AUDITOR: Final[tuple[_Line, ...]] = (
    ("operator.sign_in", "operator", "done", None, None, None, 10),
    ("audit.export", "audit", "done", "Quarterly review", None, {"format": "jsonl", "rows": 18204}, 5),
    ("audit.verify", "audit", "done", None, None, {"ok": True}, 20),
    ("audio.play", "audio", "done", None, None, None, 4),
    ("settings.update", "settings", "refused", None, None, None, 1),
)
_WORKER: Final[tuple[_Line, ...]] = (
    ("audio.speak", "audio", "done", None, {"status": "GENERATING"}, {"status": "COMPLETED", "seconds": 112.4}, 110),
    ("audio.speak", "audio", "failed", None, {"status": "GENERATING"}, {"status": "FAILED", "error_code": "voice_failed"}, 1),
    ("document.extract", "document", "done", None, {"status": "PROCESSING"}, {"pages": 14, "status": "COMPLETED"}, 36),
    ("document.extract", "document", "failed", None, {"status": "PROCESSING"}, {"status": "FAILED"}, 1),
)
LINES: Final = {"support": _SUPPORT, "admin": _ADMIN, "auditor": _AUDITOR, PROGRAM: _WORKER}
SHARE: Final = {"support": 20, "admin": 4, "auditor": 1, PROGRAM: 90}
"""How much of the work one person, or one host of the program, does."""

ROWS: Final = {"document": 10_000, "audio": 120_000, "job": 150_000, "operator": 30, "backup": 700, "alert": 400}
"""How many things of a kind there are; a kind that is not here has no numbers."""


CAST: Final = {
    "support": (
        "Ana Silva", "Ben Cole", "Chi Wong", "Mara Koch", "Tom Okafor", "Ida Berg", "Noor Haddad", "Luis Prieto", "Zoë Martin",
        "Ravi Nair", "Eva Lindqvist", "Kofi Mensah", "Jana Nováková", "Owen Price", "Sofía Ruiz", "Yuki Tanaka", "Elif Kaya",
        "Paul O'Neill",
    ),
    "admin": ("Greta Vogel", "Sam Whitfield"),
    "auditor": ("Ines Carvalho", "Piotr Zając"),
    PROGRAM: ("Lectern", "Lectern"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or the program itself, who acts in sample events."""

    name: str
    role: str
    operator_id: int | None


@dataclass(slots=True)
class _Ready:
    """One kind of event, ready to be put together: as canonical text, and as a line of COPY."""

    target: str
    numbers: int
    text: tuple[str, str]
    copy: tuple[str, str]


@dataclass(slots=True)
class _Shift:
    """One person at one desk for one day: one writer with its chain."""

    lines: list[_Ready]
    text: tuple[str, str, str]
    copy: tuple[str, str, str]
    leaf: bytes
    wseq: int = 0
    correlation: str = field(default="")


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One event: time in microseconds since 1970, hash, and its line of COPY without the number of the row."""

    at: int
    leaf: bytes
    line: str


COLUMNS: Final = (
    "at", "writer", "wseq", "leaf", "actor", "actor_id", "role", "action", "target", "outcome", "reason", "before", "after",
    "workstation", "client_version", "correlation_id",
)  # fmt: skip
"""What ``SampleEvent.line`` holds, separated by tabs."""


def sample_events(count: int, people: Sequence[Person], *, until: dt.datetime, seed: int) -> Iterator[SampleEvent]:
    """Return ``count`` events of the two years before ``until``, oldest first."""
    rng = random.Random(seed)  # noqa: S311  # the same sample data every time, no secret depends on it
    lines = {role: [_ready(line) for line in made for _ in range(line[6])] for role, made in LINES.items()}
    first = (until - dt.timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    last = microseconds(until)
    table, seconds = _day_table(), [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400)]
    made = 0
    for number, share in enumerate(_days(count, first)):
        day = first + dt.timedelta(days=number)
        begin, words = microseconds(day), f"{day:%Y-%m-%d} "
        wanted = share if number < DAYS - 1 else count - made
        shifts = _shifts(people, lines, rng, version=VERSIONS[min(len(VERSIONS) - 1, number * len(VERSIONS) // DAYS)])
        weights = [SHARE[person.role] for person in people]
        for place, shift in enumerate(rng.choices(shifts, weights, k=wanted)):
            spot = (place + rng.random()) / wanted * STEPS
            whole = int(spot)
            passed = int(table[whole] + (table[whole + 1] - table[whole]) * (spot - whole))
            passed = min(passed, last - begin - wanted + place)
            second, fraction = divmod(passed, 1_000_000)
            yield _event(shift, begin + passed, f"{words}{seconds[second]}.{fraction:06}+00", rng)
        made += wanted


def _days(count: int, first: dt.datetime) -> list[int]:
    """Return how many events fall on each day: fewer at weekends, more from year to year."""
    weights = []
    for number in range(DAYS):
        weekend = (first + dt.timedelta(days=number)).weekday() > 4  # noqa: PLR2004  # Monday is 0
        weights.append((0.7 + 0.6 * number / DAYS) * (WEEKEND if weekend else 1.0))
    total = sum(weights)
    return [int(count * weight / total) for weight in weights]


def _day_table() -> list[float]:
    """Return the time of day, in microseconds, by which each 4,096th of a day's work is done."""
    total, hour, table = sum(HOURS), DAY_US / 24, []
    before, place = 0, 0
    for step in range(STEPS):
        done = step * total / STEPS
        while done >= before + HOURS[place]:
            before += HOURS[place]
            place += 1
        table.append((place + (done - before) / HOURS[place]) * hour)
    return [*table, DAY_US - 1.0]


def _shifts(people: Sequence[Person], lines: dict[str, list[_Ready]], rng: random.Random, *, version: str) -> list[_Shift]:
    return [_shift(person, lines[person.role], rng, desk=place % DESKS + 1, version=version) for place, person in enumerate(people)]


def _shift(person: Person, lines: list[_Ready], rng: random.Random, *, desk: int, version: str) -> _Shift:
    place = f"desk-{desk:02}" if person.role != PROGRAM else f"worker-{desk}"
    writer = f"{place}:{rng.randrange(300, 60_000)}:{rng.getrandbits(64):016x}"
    who, number = _json(person.name), "null" if person.operator_id is None else str(person.operator_id)
    text = (f"[{_json(writer)}, ", f', {who}, {number}, "{person.role}", ', f'"{place}", "{version}", "')
    stored = "\\N" if person.operator_id is None else str(person.operator_id)
    copy = (f"\t{writer}\t", f"\t{person.name}\t{stored}\t{person.role}\t", f"\t{place}\t{version}\t")
    return _Shift(lines, text, copy, origin(writer))


def _ready(line: _Line) -> _Ready:
    action, kind, outcome, reason, before, after, _ = line
    kept = [None if facts is None else jsonb_text(facts) for facts in (before, after)]
    values = ", ".join("null" if value is None else _json(value) for value in (reason, *kept))
    stored = "\t".join("\\N" if value is None else value for value in (reason, *kept))
    numbers = ROWS.get(kind, 0)
    return _Ready(
        f"{kind}:" if numbers else kind,
        numbers,
        (f'"{action}", "', f'", "{outcome}", {values}, '),
        (f"{action}\t", f"\t{outcome}\t{stored}"),
    )


def _json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _event(shift: _Shift, at: int, words: str, rng: random.Random) -> SampleEvent:
    line = shift.lines[int(rng.random() * len(shift.lines))]
    target = f"{line.target}{1 + int(rng.random() * line.numbers)}" if line.numbers else line.target
    if not shift.correlation or rng.random() > GROUPED:
        digits = f"{rng.getrandbits(32):08x}"
        shift.correlation = f"{digits[:4]}-{digits[4:]}"
    shift.wseq += 1
    one, two, three = shift.text
    text = f'{one}{shift.wseq}, {at}{two}{line.text[0]}{target}{line.text[1]}{three}{shift.correlation}"]'
    shift.leaf = hashlib.sha256(shift.leaf + text.encode()).digest()
    one, two, three = shift.copy
    stored = f"{words}{one}{shift.wseq}\t\\\\x{shift.leaf.hex()}{two}{line.copy[0]}{target}{line.copy[1]}{three}{shift.correlation}\n"
    return SampleEvent(at, shift.leaf, stored)
