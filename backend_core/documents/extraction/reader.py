"""Pages of a document, read by a limited child process and checked on arrival."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from backend_core.documents.extraction.limits import Limits
from backend_core.documents.extraction.refusals import refusal
from backend_core.errors import Cancelled, LecternError, LimitReached, TooLarge, Unavailable, UnreadableFile
from backend_core.processes import (
    ChildCancelled,
    ChildGone,
    ChildTimedOut,
    LimitedChild,
    Message,
    Outcome,
    child_environment,
    never,
)

CHILD: Final = (sys.executable, "-P", "-m", "backend_core.documents.extraction.child")
_CPU_SIGNAL: Final = getattr(signal, "SIGXCPU", None)
# Nothing in the child sends these; somebody outside did, so trying again can help.
_OUTSIDE_SIGNALS: Final = frozenset({getattr(signal, "SIGKILL", None), signal.SIGTERM, getattr(signal, "SIGHUP", None), signal.SIGINT})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedPage:
    """One page.

    Attributes:
        number: 1 to n without gaps.
        text: everything on the page, NFC, lines ended by a line feed; may be empty.
        skips: (start, end, reason) in characters of `text`, in order, not overlapping; reasons are header, footer, page number.
    """

    number: int
    text: str
    skips: tuple[tuple[int, int, str], ...]


_DEFAULT: Final = Limits()


def _unreported(done: int, total: int) -> None:
    """Take a progress report nobody asked for."""


def extract(
    path: Path,
    *,
    kind: str,
    limits: Limits = _DEFAULT,
    should_stop: Callable[[], bool] = never,
    progress: Callable[[int, int], None] = _unreported,
) -> Iterator[ExtractedPage]:
    """Yield the pages of the document at `path`, empty ones included.

    Args:
        path: the file; its name does not matter.
        kind: as `kind_of` says: pdf, docx, md or txt.
        limits: what the document may cost.
        should_stop: asked at most 20 times a second.
        progress: called with (pages read, pages in all) before the first page is yielded; running lines are known only then.

    Raises:
        UnreadableFile: damaged, protected, or without text.
        TooLarge: over one of `limits`.
        LimitReached: out of time.
        Cancelled: `should_stop` said so.
        Unavailable: the child was stopped from outside; trying again can help.
    """
    _check_size(path, limits=limits)
    with LimitedChild(CHILD, memory_bytes=limits.memory_bytes, cpu_s=limits.cpu_s, wall_s=limits.wall_s, env=child_environment()) as child:
        try:
            child.send({"path": str(path.resolve()), "kind": kind, "limits": asdict(limits)})
            complete = yield from _pages(child.messages(should_stop=should_stop), limits=limits, progress=progress)
        except ChildCancelled:
            raise Cancelled("Reading this file was stopped on request.") from None
        except ChildTimedOut:
            raise LimitReached(f"Reading this file took longer than {limits.wall_s:.0f} seconds.") from None
        except ChildGone:
            # The exit status knows why.
            complete = False
        if not complete:
            raise _failure(child.finish(), limits=limits)


def _check_size(path: Path, *, limits: Limits) -> None:
    """Refuse files over the limit before a process is started for them."""
    try:
        size = path.stat().st_size
    except OSError:
        raise UnreadableFile("This file could not be opened.") from None
    if size > limits.file_bytes:
        raise TooLarge(f"This file is larger than the limit of {limits.file_bytes // 2**20} MB.")


def _pages(messages: Iterator[Message], *, limits: Limits, progress: Callable[[int, int], None]) -> Generator[ExtractedPage, None, bool]:
    """Yield pages as they arrive; return whether the child said that these were all."""
    count = 0
    for message in messages:
        if "text" in message:
            count += 1
            yield _page(message, number=count, limits=limits)
        elif "done" in message:
            progress(int(message["done"]), int(message["total"]))
        elif "refused" in message:
            raise refusal(message["refused"], limits=limits)
        elif message.get("end") == count:
            return True
    return False


def _page(message: Message, *, number: int, limits: Limits) -> ExtractedPage:
    """Check a page: the child has handled hostile bytes, so its answer is input too."""
    text: Any = message["text"]
    skips: Any = message.get("skips", [])
    if not isinstance(text, str) or len(text) > limits.page_chars or number > limits.pages or "\0" in text:
        raise refusal("unreadable", limits=limits)
    at = 0
    for start, end, _ in skips:
        if not at <= start < end <= len(text):
            raise refusal("unreadable", limits=limits)
        at = end
    return ExtractedPage(number=number, text=text, skips=tuple((start, end, str(reason)) for start, end, reason in skips))


def _failure(outcome: Outcome, *, limits: Limits) -> LecternError:
    """Return the error for a child that ended without saying why."""
    killed_by = -outcome.code
    if killed_by == _CPU_SIGNAL:
        return LimitReached(f"Reading this file took longer than {limits.cpu_s} seconds.")
    if killed_by in _OUTSIDE_SIGNALS:
        return Unavailable("The reading process was stopped from outside.")
    # Out of memory inside a native library looks like a crash.
    return UnreadableFile("This file is damaged, or reading it needs more memory than allowed.")
