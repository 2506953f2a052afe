"""Frame times, jumps and memory of the Audit log page over the database of this home, as JSON on standard output.

Started by ``lecternctl bench audit_page`` in a process of its own: ``python -m desktop.pages.audit.measure ROUNDS``.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop.background import Background
from desktop.changes import Changes
from desktop.commands import Commands
from desktop.pages.audit.lines import AuditLine, audit_lines
from desktop.pages.audit.page import AuditPage
from desktop.style import Theme
from desktop.widgets.page import PageContext
from desktop.widgets.sparse_table import PAGE_ROWS

FRAME_S: Final = 1 / 60
SIZE: Final = (1228, 846)
DEPTHS: Final = (0.0, 0.5, 0.99)
ROUNDS: Final = 150
FEW: Final = 12
_NOTCH: Final = -120
_LIMIT_S: Final = 120.0


@dataclass
class Frames:
    """Busy time of the GUI thread in each sixtieth of a second, in ms: by the clock, and on the processor."""

    busy: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return p50, p99, the longest, and how many took longer than a frame may."""
        ordered = sorted(self.busy)
        late = sum(one > 1000 * FRAME_S for one in ordered)
        figures = {"p50": share(ordered, 0.5), "p99": share(ordered, 0.99), "max": ordered[-1], "late": late, "frames": len(ordered)}
        return figures | {"cpu_p99": share(sorted(self.cpu), 0.99)}


def share(ordered: list[float], part: float) -> float:
    """Return the value below which ``part`` (0 to 1) of the ordered values lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Stage:
    """A page on an invisible screen."""

    def __init__(self, app: QApplication, backend: Any, background: Background, *, rounds: int) -> None:
        self._app = app
        self.rounds = rounds
        self.few = min(FEW, rounds)
        self.window = QWidget()
        self.window.resize(*SIZE)
        actor = backend.actor()
        self._changes = Changes(self.window)
        context = PageContext(backend, actor, background, self._changes, Commands(self.window), _ignore, _ignore, lambda _widget: None)
        self.page = AuditPage(context)
        self.page.setParent(self.window)
        self.page.setGeometry(0, 0, *SIZE)
        self.window.show()
        self.page.show()
        self._background = background
        self.wait(lambda: self.page.loaded and self.table.settled)

    @property
    def table(self) -> Any:
        """The list."""
        return self.page.list.table

    @property
    def listing(self) -> Any:
        """What is on the screen."""
        return self.page.list.listing

    def wait(self, condition: Callable[[], object]) -> None:
        """Run the event loop until ``condition`` holds; raises TimeoutError after two minutes."""
        deadline = time.perf_counter() + _LIMIT_S
        while not condition():
            if time.perf_counter() > deadline:
                message = "the page did not get there"
                raise TimeoutError(message)
            self._app.processEvents()
            time.sleep(0.0005)

    def rest(self, seconds: float) -> None:
        """Run the event loop for a while."""
        until = time.perf_counter() + seconds
        self.wait(lambda: time.perf_counter() > until)

    def frame(self, frames: Frames, act: Callable[[], object]) -> None:
        """Do ``act`` and run the loop until the sixtieth of a second is over; count what the GUI thread was busy for."""
        start, cpu = time.perf_counter(), time.thread_time()
        act()
        self._app.processEvents()
        busy = time.perf_counter() - start
        while time.perf_counter() - start < FRAME_S:
            time.sleep(0.0005)
            before = time.perf_counter()
            self._app.processEvents()
            busy += time.perf_counter() - before
        frames.busy.append(busy * 1000)
        frames.cpu.append((time.thread_time() - cpu) * 1000)

    def close(self) -> None:
        """Take the page away as the window does when it closes."""
        self.page.hide()
        self._background.cancel_owner(self.page)
        self._changes.close()
        self.window.hide()
        self.page.deleteLater()
        self.window.deleteLater()
        del self.page
        for _ in range(3):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            self._app.processEvents()


def measure(app: QApplication, backend: Any, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return every figure of the page over ``backend``; ``rounds`` is the number of frames at each depth."""
    background = Background()
    found: dict[str, Any] = {}
    try:
        stage = Stage(app, backend, background, rounds=rounds)
        found["rows"] = stage.table.rows.rowCount()
        found["wheel"] = _wheel(stage)
        found["page"] = _pages(stage)
        found["drag"] = _drag(stage)
        found["jump_ms"] = _jumps(stage)
        found["date_ms"] = _dates(stage)
        stage.page.list.show_newest()
        stage.wait(lambda: stage.table.settled and not stage.page.list.searching)
        stage.rest(0.2)
        found["first_ms"] = _first_rows(stage)
        found["filtered_ms"] = _filtered(stage)
        found["control"] = _control(stage, backend)
        stage.close()
        found["memory_mb"] = _openings(app, backend, background, rounds=rounds)
    finally:
        background.close()
    return found


def _wheel(stage: Stage) -> dict[str, float]:
    frames, viewport = Frames(), stage.table.viewport()
    middle = QPointF(viewport.rect().center())

    def notch() -> None:
        buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        place, phase = viewport.mapToGlobal(middle), Qt.ScrollPhase.NoScrollPhase
        turn = QWheelEvent(middle, place, QPoint(), QPoint(0, _NOTCH), buttons, keys, phase, False)  # noqa: FBT003 - Qt's signature
        QApplication.sendEvent(viewport, turn)

    for _ in _depths(stage):
        for _ in range(stage.rounds):
            stage.frame(frames, notch)
    return frames.figures()


def _pages(stage: Stage) -> dict[str, float]:
    frames, bar = Frames(), stage.table.verticalScrollBar()
    for _ in _depths(stage):
        for _ in range(stage.rounds):
            stage.frame(frames, lambda: bar.setValue(bar.value() + bar.pageStep()))
    return frames.figures()


def _drag(stage: Stage) -> dict[str, float]:
    frames, bar, chance = Frames(), stage.table.verticalScrollBar(), random.Random(5)  # noqa: S311 - where to drag to, no secret
    for _ in range(stage.rounds * len(DEPTHS)):
        stage.frame(frames, lambda: bar.setValue(int(bar.maximum() * chance.random())))
    stage.wait(lambda: stage.table.settled)
    return frames.figures()


def _depths(stage: Stage) -> Iterator[float]:
    for depth in DEPTHS:
        stage.table.go_to(int(stage.table.rows.rowCount() * depth), select=False)
        stage.wait(lambda: stage.table.settled)
        stage.rest(0.2)
        yield depth


def _settle(stage: Stage, act: Callable[[], object]) -> float:
    stage.rest(0.15)
    start = time.perf_counter()
    act()
    stage.wait(lambda: stage.table.settled)
    QApplication.processEvents()
    return (time.perf_counter() - start) * 1000


def _jumps(stage: Stage) -> list[float]:
    chance, bar = random.Random(7), stage.table.verticalScrollBar()  # noqa: S311 - where to jump to, no secret
    return sorted(_settle(stage, lambda: bar.setValue(int(bar.maximum() * chance.random()))) for _ in range(5 * stage.few))


def _dates(stage: Stage) -> list[float]:
    summary, chance = stage.listing.summary, random.Random(9)  # noqa: S311 - where to jump to, no secret
    span = summary.newest - summary.oldest

    def jump() -> None:
        wanted = summary.oldest + timedelta(seconds=span.total_seconds() * chance.random())
        place = stage.table.verticalScrollBar().value()
        stage.page.list.go_to_time(wanted)
        stage.wait(lambda: stage.table.verticalScrollBar().value() != place)

    return sorted(_settle(stage, jump) for _ in range(4 * stage.few))


def _filtered(stage: Stage) -> list[float]:
    """Jump inside the list of one frequent action."""
    stage.page.filters.type_text(f"action:{_actions(stage)[0]}")
    stage.wait(lambda: not stage.listing.wanted.empty and stage.table.settled)
    found = _jumps(stage)
    _unfilter(stage)
    return found


def _first_rows(stage: Stage) -> list[float]:
    """Ask for one filter after the other and wait for the first rows of each, not for their count."""
    found = []
    for action in _actions(stage)[: stage.few]:
        stage.rest(0.2)
        start = time.perf_counter()
        stage.page.filters.type_text(f"action:{action}")
        _wait_for(stage, action)
        found.append((time.perf_counter() - start) * 1000)
        _unfilter(stage)
    return sorted(found)


def _wait_for(stage: Stage, action: str) -> None:
    stage.wait(lambda: stage.table.settled and stage.table.row_at(0).action == action)


def _actions(stage: Stage) -> list[str]:
    """Return the actions of the newest rows, the most frequent first, but not that of the first row."""
    top = stage.table.row_at(0).action
    near = Counter(line.action for n in range(PAGE_ROWS) if (line := stage.table.row_at(n)) is not None)
    return [action for action, _ in near.most_common() if action != top] or [top]


def _unfilter(stage: Stage) -> None:
    stage.page.filters.type_text("")
    stage.wait(lambda: not stage.page.list.searching and stage.table.settled)


def _control(stage: Stage, backend: Any) -> dict[str, Any]:
    """Do the same with rows by OFFSET: jumps with a worker as here, and frames as a table that reads where it paints."""
    from backend_core.bench.audit_page import offset_page

    def fetch(first: int, count: int) -> Sequence[AuditLine]:
        return audit_lines(offset_page(backend.database, first, count))

    table, frames, chance = stage.table, Frames(), random.Random(11)  # noqa: S311 - where to jump to, no secret
    rows = table.rows.rowCount()
    table.restart(rows)
    stage.page.list.loader.start(fetch)
    stage.wait(lambda: table.settled)
    bar = table.verticalScrollBar()
    jumps = sorted(_settle(stage, lambda: bar.setValue(int(bar.maximum() * chance.random()))) for _ in range(stage.few))
    stage.page.list.loader.stop()

    def naive() -> None:
        bar.setValue(int(bar.maximum() * chance.random()))
        for page in table.rows.pages(*table.visible()):
            table.fill(page, fetch(page * PAGE_ROWS, PAGE_ROWS))

    for _ in range(stage.few):
        stage.frame(frames, naive)
    return {"jump_ms": jumps, "frames": frames.figures()}


def _openings(app: QApplication, backend: Any, background: Background, *, rounds: int) -> list[float]:
    """Return the memory before the first and after each opening of a page that is scrolled through and closed."""
    gc.collect()
    found = [memory_mb()]
    for _ in range(min(FEW, rounds)):
        found.append(_opening(Stage(app, backend, background, rounds=rounds)))
        gc.collect()
    return found


def _opening(stage: Stage) -> float:
    for depth in range(8):
        stage.table.go_to(int(stage.table.rows.rowCount() * depth / 8), select=False)
        stage.wait(lambda: stage.table.settled)
    reached = memory_mb()
    stage.close()
    return reached


def memory_mb() -> float:
    """Return the resident memory of this process in MB, 0 on other systems than Linux."""
    if sys.platform != "linux":
        return 0.0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _opened() -> Iterator[Any]:
    from backend_core.backend import open_backend
    from backend_core.settings import load_settings

    with open_backend(load_settings(), application="desktop") as backend:
        yield backend


def _ignore(*_words: object, **_more: object) -> None:
    """Stand in for toasts and navigation."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; returns the exit code."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    Theme(app, mode="light")
    with _opened() as backend:
        sys.stdout.write(json.dumps(measure(app, backend, rounds=rounds)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
