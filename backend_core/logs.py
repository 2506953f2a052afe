"""JSON log lines in a rotated file, with secrets removed after the text is complete.

A correlation id follows one click through threads, jobs, log lines and audit rows: bind it with ``correlated()``.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import logging.handlers
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

LOG_BYTES = 5_000_000
LOG_FILES = 5
HANDLER = "lectern"

_correlation: contextvars.ContextVar[str | None] = contextvars.ContextVar("correlation_id", default=None)

# Order matters: whole connection strings before their parts.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), "[private key]"),
    (re.compile(r"\b([a-z][a-z0-9+]*://[^\s:/@]*):[^\s@]+@", re.IGNORECASE), r"\1:[secret]@"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "[token]"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 [secret]"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), "[aws key]"),
    (re.compile(r"([?&](?:X-Amz-[A-Za-z-]+|Signature|token)=)[^&\s\"']+", re.IGNORECASE), r"\1[secret]"),
    (
        re.compile(
            r"(\b(?:\w*(?:password|passwd|passphrase|secret|token|api_?key|access_?key)|PGPASSWORD|pwd)[\\\"']*\s*[=:]\s*[\\\"']*)(?![\[])[^\s\"',;&}\\]+",
            re.IGNORECASE,
        ),
        r"\1[secret]",
    ),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[e-mail]"),
    (re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,3}\d){7,14}\b"), "[phone]"),
)


def redact(text: str) -> str:
    """Return ``text`` with keys, tokens, passwords, e-mail addresses and phone numbers replaced.

    >>> redact("postgresql://ana:hunter2@db/lectern")
    'postgresql://ana:[secret]@db/lectern'
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def correlation_id() -> str:
    """Return the id of the current action; a fresh one outside any action."""
    return _correlation.get() or new_correlation_id()


def new_correlation_id() -> str:
    """Return eight hexadecimal digits in two groups, short enough to read out."""
    digits = secrets.token_hex(4)
    return f"{digits[:4]}-{digits[4:]}"


@contextlib.contextmanager
def correlated(value: str | None = None) -> Iterator[str]:
    """Give everything inside the block one correlation id: ``value``, the current one, or a new one."""
    current = value or _correlation.get() or new_correlation_id()
    token = _correlation.set(current)
    try:
        yield current
    finally:
        _correlation.reset(token)


def _add_correlation(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    current = _correlation.get()
    if current is not None:
        event.setdefault("correlation_id", current)
    return event


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished line, so that exception text is covered too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line without secrets."""
        return redact(super().format(record))


class _QueueOutcomes(logging.Filter):
    """Drops the queue's own line about a job that ended badly: the runner logs it once, redacted, with its sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is kept."""
        return not str(getattr(record, "action", "")).startswith(("job_error", "job_aborted"))


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_correlation,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Locals of a frame can hold secrets; the stack alone tells where it happened.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    ]


def _formatter() -> _RedactingFormatter:
    return _RedactingFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(ensure_ascii=False)],
    )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log file that costs a line, and says nothing to people, when it cannot be written: a full disk has its own sentence."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name and signature
        """Drop the line."""


def configure_logging(folder: Path, *, process: str, level: str = "INFO", else_stderr: bool = True) -> Path:
    """Send every log line of this process to ``folder/process.log``; return that path.

    A folder that cannot be written to costs the log file, never the program: lines then go to standard error, or
    nowhere where that belongs to a person (``else_stderr=False``).
    """
    path = folder / f"{process}.log"
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab"):
            pass
        handler = _LogFile(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.StreamHandler(sys.stderr) if else_stderr else logging.NullHandler()
    handler.setFormatter(_formatter())
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == HANDLER]:
        root.removeHandler(old)
        old.close()
    handler.set_name(HANDLER)
    root.addHandler(handler)
    root.setLevel(level)
    for noisy in ("procrastinate", "psycopg.pool", "alembic", "botocore", "markdown_it"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    worker = logging.getLogger("procrastinate.worker")
    if not any(isinstance(old, _QueueOutcomes) for old in worker.filters):
        worker.addFilter(_QueueOutcomes())
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return path


def get_logger(name: str) -> Any:
    """Return a structured logger; use ``log.info("event name", key=value)``."""
    return structlog.stdlib.get_logger(name)


def log_failure(logger: Any, event: str, error: BaseException, *, facts: Mapping[str, object] | None = None) -> None:
    """Log a failure with its type, code and correlation id; never request bodies or document text."""
    logger.error(event, error_type=type(error).__name__, error_code=getattr(error, "code", None), exc_info=error, **(facts or {}))
