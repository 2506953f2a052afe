"""JSON log lines in a rotated file, with secrets removed after the text is complete.

A correlation id follows one click through threads, jobs, log lines and audit rows: bind it with ``correlated()``.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import logging.handlers
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from backend_core.errors import INSIDE, LecternError, Unexpected, safe
from backend_core.redaction import redact_line

LOG_BYTES = 5_000_000
LOG_FILES = 5
HANDLER = "lectern"

_correlation: contextvars.ContextVar[str | None] = contextvars.ContextVar("correlation_id", default=None)
_operator: contextvars.ContextVar[int | None] = contextvars.ContextVar("operator_id", default=None)


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
    token, operator = _correlation.set(current), _operator.set(_operator.get())
    try:
        yield current
    finally:
        _operator.reset(operator)
        _correlation.reset(token)


def note_operator(operator_id: int | None) -> None:
    """Say for whom the current action is done; its log lines then carry the id, never a name."""
    # outside any action nothing would take it back
    if _correlation.get() is not None:
        _operator.set(operator_id)


def _add_action(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name, value in (("correlation_id", _correlation.get()), ("operator_id", _operator.get())):
        if value is not None:
            event.setdefault(name, value)
    return event


# What the server says beside its first sentence quotes rows, and so does that sentence about a value it cannot read.
_QUOTED: Final = re.compile(r"\n(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LINE \d+):.*|\n\[(?:SQL|parameters):.*", re.DOTALL)
_VALUE: Final = re.compile(r"(invalid input syntax for type [\w ]+|value too long for type [^\n:]+|out of range[^\n:]*):.*", re.DOTALL)


def _without_rows(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Cut what a database error quotes of the rows it is about: that is what people wrote."""
    found = event.get("exception")
    waiting = list(found) if isinstance(found, list) else []
    for one in waiting:
        one["exc_value"] = _VALUE.sub(r"\1", _QUOTED.sub("", one["exc_value"]))
        one["exc_notes"] = []
        # a group holds one such list for each of its members
        waiting += [inner for member in one.get("exceptions") or [] for inner in member]
    return event


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished line, so that exception text is covered too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line without secrets; a record that cannot be rendered costs its values, not the line."""
        try:
            line = super().format(record)
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
            facts = {"event": str(event), "level": record.levelname.lower(), "logger": record.name, "unreadable": type(error).__name__}
            line = json.dumps(facts, ensure_ascii=False)
        return redact_line(line)


class _QueueOutcomes(logging.Filter):
    """Drops the queue's own line about a job that ended badly: the runner logs it once, redacted, with its sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is kept."""
        return not str(getattr(record, "action", "")).startswith(("job_error", "job_aborted"))


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_action,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Locals of a frame can hold secrets; the stack alone tells where it happened.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        _without_rows,
    ]


def json_formatter() -> logging.Formatter:
    """Return what turns a record into one JSON line without secrets."""
    return _RedactingFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(ensure_ascii=False)],
    )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log file that costs a line, and says nothing to people, when it cannot be written: a full disk has its own sentence."""

    def _open(self) -> Any:
        if not Path(self.baseFilename).exists():
            with contextlib.suppress(OSError):
                os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name and signature
        """Drop the line: the library would print it, with its values, to standard error."""


class _ErrorStream(logging.StreamHandler[Any]):
    """Standard error in place of a file; silent about lines that cannot be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name and signature
        """Drop the line."""


def _handler(path: Path, *, else_stderr: bool) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _LogFile(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    except OSError:
        return _ErrorStream(sys.stderr) if else_stderr else logging.NullHandler()


def configure_logging(folder: Path, *, process: str, level: str = "INFO", else_stderr: bool = True) -> Path:
    """Send every log line of this process to ``folder/process.log``; return that path.

    A folder that cannot be written to costs the log file, never the program: lines then go to standard error, or
    nowhere where that belongs to a person (``else_stderr=False``).
    """
    path = folder / f"{process}.log"
    handler = _handler(path, else_stderr=else_stderr)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == HANDLER]:
        root.removeHandler(old)
        old.close()
    handler.set_name(HANDLER)
    root.addHandler(handler)
    root.setLevel(level)
    # a warning names a line of source, which may hold a value; standard error belongs to a person
    logging.captureWarnings(capture=True)
    for noisy in ("procrastinate", "psycopg.pool", "alembic", "botocore", "markdown_it"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    worker = logging.getLogger("procrastinate.worker")
    if not any(isinstance(old, _QueueOutcomes) for old in worker.filters):
        worker.addFilter(_QueueOutcomes())
    structlog.configure(
        processors=[
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return path


def get_logger(name: str) -> Any:
    """Return a structured logger; use ``log.info("event name", key=value)``."""
    return structlog.stdlib.get_logger(name)


def log_failure(
    logger: Any, event: str, error: BaseException, *, facts: Mapping[str, object] | None = None, level: int = logging.ERROR
) -> None:
    """Log a failure with its type, code, correlation and operator id; never request bodies or document text.

    Args:
        logger: structured, or of the standard library where the other one would delay the start.
    """
    cause = error.__cause__
    # an expected refusal needs no stack; what a lower layer raised does
    stack = error if level >= logging.WARNING or cause is not None else None
    details: dict[str, object] = {"error_type": type(error).__name__}
    if isinstance(error, LecternError):
        details["error_code"] = error.code
    if cause is not None:
        details["cause_type"] = type(cause).__name__
    details |= facts or {}
    if isinstance(logger, logging.Logger):
        logger.log(level, event, exc_info=stack, extra=details)
    else:
        logger.log(level, event, exc_info=stack, **details)


def at_boundary(
    logger: Any,
    event: str,
    error: BaseException,
    *,
    correlation_id: str | None = None,
    sentence: str = INSIDE,
    facts: Mapping[str, object] | None = None,
) -> LecternError:
    """Log what ended a thread, a job or a command, and return the error that people may see, with the id that finds the line.

    What was expected is an INFO line with its code; anything else is an ERROR. Both carry the stack when something else caused it.
    """
    with correlated(getattr(error, "correlation_id", None) or correlation_id) as reference:
        known = safe(error, correlation_id=reference, sentence=sentence)
        log_failure(logger, event, error, facts=facts, level=logging.ERROR if isinstance(known, Unexpected) else logging.INFO)
    return known
