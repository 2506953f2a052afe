"""The process that reads one hostile file: one request on standard input, pages or a refusal on standard output.

It ends at once when its input closes, which is how a parent stops it, and how it notices a dead one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from backend_core.documents.extraction.refusals import Refusal

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits

# Loaded when needed: each costs about 50 ms, and a text file needs none of them.
_READERS: Final = {"pdf": "pdf_reader", "docx": "docx_reader", "md": "markdown_reader", "txt": "text_reader"}
_REPORT_EVERY_S: Final = 0.1
_ORPHANED: Final = 3


class Reporter:
    """Sends progress now and then."""

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` pages are read."""
        now = time.monotonic()
        if now - self._at >= _REPORT_EVERY_S or done == total:
            self._at = now
            _write({"done": done, "total": total})
            sys.stdout.buffer.flush()


def main() -> None:
    """Read the request, answer it, and never show a traceback."""
    # Short-lived and mostly strings: collecting cycles would only cost time.
    gc.disable()
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        _answer(request)
    except Refusal as refused:
        _write({"refused": refused.code})
    except MemoryError:
        _write({"refused": "memory"})
    except Exception as error:  # noqa: BLE001 - process boundary: whatever a parser throws at a hostile file, the parent gets one word
        sys.stderr.write(type(error).__name__)
        _write({"refused": "unreadable"})
    sys.stdout.buffer.flush()
    # The answer is out; skipping the interpreter's clean-up also skips what a broken native library might do in it.
    os._exit(0)


def _answer(request: Mapping[str, Any]) -> None:
    """Read the file with the reader for its kind and write its pages."""
    reader = importlib.import_module(f"backend_core.documents.extraction.{_READERS[request['kind']]}")
    _forbid_writing()
    # The class itself would cost 7 ms of imports; its field names are all that is needed here.
    limits = cast("Limits", SimpleNamespace(**request["limits"]))
    pages: Sequence[tuple[str, Sequence[tuple[int, int, str]]]] = reader.read(Path(request["path"]), limits=limits, report=Reporter())
    for text, skips in pages:
        _write({"text": text, "skips": skips})
    _write({"end": len(pages)})


def _forbid_writing() -> None:
    """Give up the right to write files, once everything is imported."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _die_with_parent() -> None:
    """End this process as soon as standard input ends (thread)."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(_ORPHANED)


def _write(message: Mapping[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
