"""How many log lines a second lose their secrets, beside a first draft of sixteen rules, and beside writing lines without redaction."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from backend_core.bench.log_lines import benign_lines, typical_lines
from backend_core.logs import json_formatter
from backend_core.redaction import redact, redact_line

LINES: Final = 4_000
ROUNDS: Final = 5
# What one writes first: correct patterns, tried one after the other on every line.
FIRST_DRAFT: Final = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), "[private key]"),
    (re.compile(r"\b([a-z][a-z0-9+]*://[^\s:/@]*):[^\s@]+@", re.IGNORECASE), r"\1:[secret]@"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "[token]"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 [secret]"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), "[aws key]"),
    (re.compile(r"(aws.{0,20}['\"=: ]+)[A-Za-z0-9/+=]{40}\b", re.IGNORECASE), r"\1[secret]"),
    (re.compile(r"([?&](?:X-Amz-[A-Za-z-]+|Signature|sig|token)=)[^&\s\"']+", re.IGNORECASE), r"\1[secret]"),
    (re.compile(r"\bya29\.[\w-]+"), "[token]"),
    (re.compile(r"\b1//[\w-]{20,}"), "[token]"),
    (re.compile(r"\bgh[pousr]_\w{20,}"), "[token]"),
    (re.compile(r"\bxox[abprs]-[\w-]{10,}"), "[token]"),
    (re.compile(r"\b[sr]k_live_\w{10,}"), "[token]"),
    (re.compile(r"((?:client_secret|refresh_token|access_token)[\"'=: ]+)[\w./+-]+"), r"\1[secret]"),
    (re.compile(r"(\b\w*(?:password|passwd|secret|api_?key)[\"']*\s*[=:]\s*[\"']*)[^\s\"',;&}]+", re.IGNORECASE), r"\1[secret]"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[e-mail]"),
    (re.compile(r"(?<!\w)\+?\d[\d ().-]{8,16}\d\b"), "[phone]"),
)


def first_draft(text: str) -> str:
    """Return ``text`` after the sixteen rules of the control."""
    for pattern, replacement in FIRST_DRAFT:
        text = pattern.sub(replacement, text)
    return text


def run() -> list[dict[str, Any]]:
    """Return lines per second of the redactor and of the whole formatter, and the share of harmless lines that change."""
    typical, harmless = typical_lines(LINES), benign_lines(LINES)
    ours, draft = _fastest((redact, first_draft), typical)
    formatted, plain = _formatters()
    changed, changed_first = (100 * sum(change(line) != line for line in harmless) / LINES for change in (redact_line, first_draft))
    note = f"{LINES} lines of {sum(map(len, typical)) // LINES} characters, best of {ROUNDS} rounds, CPU time"
    return [
        _record("redaction.lines", "lines/CPU s", ours, draft, ">= 50000", f"{note}; control: a first draft of 16 rules"),
        _record("redaction.formatter", "lines/CPU s", formatted, plain, "", f"{LINES} records to JSON; control: without redaction"),
        _record(
            "redaction.false_alarms", "%", changed, changed_first, "<= 0.5", f"{LINES} harmless lines full of look-alikes; same control"
        ),
    ]


def _record(name: str, unit: str, value: float, control: float, threshold: str, note: str) -> dict[str, Any]:
    goal = threshold.removeprefix(">= ").removeprefix("<= ")
    met = None if not goal else value >= float(goal) if ">=" in threshold else value <= float(goal)
    return {
        "name": name, "value": round(value, 2), "unit": unit, "control": round(control, 2), "threshold": threshold, "met": met,
        "note": note,
    }  # fmt: skip


def _fastest(changes: tuple[Callable[[str], str], ...], lines: list[str]) -> list[float]:
    """Return lines per CPU second of each, the best of rounds in which they take turns."""
    best = [0.0] * len(changes)
    for _ in range(ROUNDS):
        for place, change in enumerate(changes):
            begun = time.thread_time()
            for line in lines:
                change(line)
            best[place] = max(best[place], len(lines) / (time.thread_time() - begun))
    return best


def _formatters() -> list[float]:
    lines = typical_lines(LINES)
    plain = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(ensure_ascii=False)],
    )
    ours = json_formatter()
    records = {line: logging.LogRecord("bench", logging.INFO, "", 0, json.loads(line)["event"], (), None) for line in lines}
    return _fastest((lambda line: ours.format(records[line]), lambda line: plain.format(records[line])), lines)
