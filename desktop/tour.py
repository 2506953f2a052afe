"""A scripted walk through the real window: does the work, waits for it, and pictures each page in light and dark."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PySide6.QtCore import QElapsedTimer, QEventLoop, QObject, QSize, QTimer, Signal
from PySide6.QtGui import QPixmap

from desktop.main_window import MainWindow
from desktop.style import Mode, Theme

SIZE: Final = QSize(1440, 900)
_POLL_MS = 20
_SETTLE_MS = 400
_THEMES: Final[tuple[Mode, ...]] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Wait:
    """A step waits here until ``condition`` holds; ``what`` names it in the summary when it does not in time."""

    condition: Callable[[], object]
    what: str
    timeout_s: float = 30.0


Walk = Generator[Wait, None, str | None]
"""What a step does: acts, yields ``Wait``, and returns one line about what happened."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stop.

    Attributes:
        name: goes into the picture's file name.
        walk: called with the window.
        picture: whether the window is pictured afterwards.
    """

    name: str
    walk: Callable[[MainWindow], Walk]
    picture: bool = True


@dataclass(slots=True)
class Report:
    """What the tour found.

    Attributes:
        lines: one per step, in words.
        problems: empty when all went well.
        pictures: the files written.
    """

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when nothing went wrong, otherwise 1."""
        return 1 if self.problems else 0


class Tour(QObject):
    """Runs the steps inside the application's own event loop; ``ended`` carries the ``Report``."""

    ended = Signal(object)

    def __init__(self, window: MainWindow, theme: Theme, folder: Path, steps: Sequence[Step]) -> None:
        super().__init__(window)
        self._window, self._theme, self._folder = window, theme, folder
        self._steps = list(steps)
        self.report = Report()

    def run(self) -> Report:
        """Walk every step in order and return the report. Call it from the running event loop."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._window.window().setGeometry(0, 0, SIZE.width(), SIZE.height())
        mode = self._theme.mode
        for number, step in enumerate(self._steps, start=1):
            clock = QElapsedTimer()
            clock.start()
            said = self._walk(step)
            if step.picture:
                self._picture(number, step.name)
            self.report.lines.append(f"{number:02} {step.name}: {said or 'done'} ({clock.elapsed() / 1000:.1f} s)")
            _say(self.report.lines[-1])
        self._theme.set_mode(mode)
        self._summarise()
        self.ended.emit(self.report)
        return self.report

    def _walk(self, step: Step) -> str | None:
        try:
            walk = step.walk(self._window)
            while True:
                wanted = next(walk)
                if not wait_for(wanted):
                    walk.close()
                    return self._problem(f"{step.name}: {wanted.what} did not happen within {wanted.timeout_s:.0f} s")
        except StopIteration as end:
            return str(end.value) if end.value is not None else None
        except Exception as error:  # noqa: BLE001 - one broken step must not hide the others; the summary names it
            return self._problem(f"{step.name}: {type(error).__name__}: {error}")

    def _picture(self, number: int, name: str) -> None:
        # beginning with the look that is on: a change of theme paints every page there is, and takes longer than all else here
        modes = _THEMES if self._theme.mode == _THEMES[0] else tuple(reversed(_THEMES))
        for mode in modes:
            if self._theme.mode != mode:
                self._theme.set_mode(mode)
            settle(_SETTLE_MS if mode == modes[0] else _SETTLE_MS // 4)
            picture = self._window.grab()
            path = self._folder / f"{number:02}-{name}-{mode}.png"
            self._check_size(f"{name} {mode}", picture)
            if not picture.save(str(path)):
                self._problem(f"{name}: {path.name} could not be written")
            self.report.pictures.append(path)

    def _check_size(self, name: str, picture: QPixmap) -> None:
        size = picture.size() / picture.devicePixelRatio()
        if size != SIZE:
            self._problem(f"{name}: the picture is {size.width()}×{size.height()}")
        least = self._window.minimumSizeHint()
        if least.width() > SIZE.width() or least.height() > SIZE.height():
            self._problem(f"{name}: the page needs {least.width()}×{least.height()}")

    def _problem(self, words: str) -> str:
        self.report.problems.append(words)
        return "FAILED"

    def _summarise(self) -> None:
        _say(f"{len(self.report.lines)} steps, {len(self.report.pictures)} pictures in {self._folder.name}/")
        for problem in self.report.problems:
            _say(f"problem: {problem}")


def wait_for(wanted: Wait) -> bool:
    """Run the event loop until the condition holds; False when its time is over."""
    loop, deadline, met = QEventLoop(), time.monotonic() + wanted.timeout_s, False
    timer = QTimer()
    timer.setInterval(_POLL_MS)

    def look() -> None:
        nonlocal met
        met = bool(wanted.condition())
        if met or time.monotonic() > deadline:
            loop.quit()

    timer.timeout.connect(look)
    timer.start()
    look()
    if not met and time.monotonic() <= deadline:
        loop.exec()
    timer.stop()
    return met


def settle(ms: int = _SETTLE_MS) -> None:
    """Run the event loop for ``ms``, so that refreshes and layouts arrive."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def page_step(key: str, *, name: str = "") -> Step:
    """Return the step that opens page ``key`` and waits for its content; ``name`` is the key when left out."""

    def walk(window: MainWindow) -> Walk:
        window.navigate(key)
        yield Wait(lambda: window.page is not None and window.page.key == key and window.page.loaded, f"{key} shows its content")
        return "shown"

    return Step(name or key, walk)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
