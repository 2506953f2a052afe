"""What a verification of the audit log found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it was written: a stable word, and a sentence without content of any row."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessFacts:
    """Places that remember the log.

    Attributes:
        total: how many remember this log.
        off_machine: how many of them lie outside the data folder; with none, putting back an old copy of all of it goes unnoticed.
        agreeing: how many remember nothing that contradicts the log.
    """

    total: int = 0
    off_machine: int = 0
    agreeing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The outcome of one verification.

    Attributes:
        rows: rows that were checked.
        verified_to: position up to which every seal was checked.
        seconds: how long it took.
    """

    ok: bool
    rows: int
    problems: tuple[Problem, ...]
    witnesses: WitnessFacts
    rows_per_second: int
    verified_to: int
    seconds: float
