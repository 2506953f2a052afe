"""Every way in which a value gets into a log line."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backend_core.logs import HANDLER, get_logger, log_failure

log = get_logger("probe")
library = logging.getLogger("urllib3.connectionpool")


class Opaque:
    """An object that tells everything when it is shown."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Opaque {self.text}>"


@dataclass
class Record:
    name: str
    text: str


def caught(text: str, *, how: str) -> Exception:
    """Return an exception that holds ``text`` where ``how`` says."""
    try:
        if how == "cause":
            try:
                raise ValueError(text)
            except ValueError as lower:
                raise RuntimeError("outer") from lower
        if how == "context":
            try:
                raise KeyError(text)
            except KeyError:
                raise RuntimeError("outer")  # noqa: B904  # the implicit chain is what is tested
        if how == "note":
            error = ValueError("with a note")
            error.add_note(text)
            raise error
        if how == "group":
            raise ExceptionGroup("several", [ValueError(text), OSError(2, "gone", text)])
        raise ValueError(text)
    except Exception as error:  # noqa: BLE001  # whatever was raised is the sample
        return error


def warn(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(text, UserWarning, stacklevel=1)


FORMS: dict[str, Callable[[str], Any]] = {
    "message": log.info,
    "keyword": lambda text: log.info("probe", value=text),
    "position": lambda text: log.info("probe %s", text),
    "library": library.warning,
    "library arguments": lambda text: library.warning("probe %s", text),
    "library mapping": lambda text: library.warning("probe %(a)s", {"a": text}),
    "child": lambda text: logging.getLogger("a.b.c.d").warning("probe %r", text),
    "extra": lambda text: library.warning("probe", extra={"thing": Opaque(text), "more": text}),
    "object": lambda text: log.info("probe", thing=Opaque(text)),
    "record": lambda text: log.info("probe", thing=Record("x", text), also=str(Record("x", text))),
    "bytes": lambda text: log.info("probe", raw=text.encode(), more=bytearray(text.encode())),
    "lines": lambda text: log.info("probe", text=f"first\n  {text}\r\nlast"),
    "list": lambda text: log.info("probe", items=[1, text, (text, None)]),
    "mapping": lambda text: log.info("probe", facts={"a": {"b": [text]}, text: 1}),
    "json": lambda text: log.info("probe", body=json.dumps({"a": text})),
    "json in json": lambda text: log.info("probe", body=json.dumps({"a": json.dumps({"b": text})})),
    "bound": lambda text: log.bind(value=text).info("probe"),
    "exception": lambda text: log_failure(log, "probe", caught(text, how="")),
    "exception of a library": lambda text: library.error("probe", exc_info=caught(text, how="")),
    "cause": lambda text: log_failure(log, "probe", caught(text, how="cause")),
    "context": lambda text: log_failure(log, "probe", caught(text, how="context")),
    "note": lambda text: log_failure(log, "probe", caught(text, how="note")),
    "group": lambda text: log_failure(log, "probe", caught(text, how="group")),
    "wrong arguments": lambda text: library.warning("probe %d", text),
    "unreadable keys": lambda text: log.info(text, value={(1, text): text}),
    "warning": warn,
}


@contextmanager
def captured(formatter: logging.Formatter | None = None) -> Iterator[io.StringIO]:
    """Collect what the configured handler would write, or what another formatter makes of the same records."""
    root = logging.getLogger()
    ours = next(handler for handler in root.handlers if handler.get_name() == HANDLER)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter or ours.formatter)
    handler.setLevel(logging.DEBUG)
    # alone: what else listens during a test renders every stack too, which takes a minute for thousands of them
    others = root.handlers[:]
    root.handlers[:] = [handler]
    try:
        yield stream
    finally:
        root.handlers[:] = others
