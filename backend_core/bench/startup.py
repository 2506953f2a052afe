"""Time to the first painted window and idle memory of the desktop, beside a bare PySide6 window started in the same run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Final

from backend_core.errors import Unavailable

_LIMIT_S: Final = 60
_START_GOAL_MS: Final = 350
_RATIO_GOAL: Final = 1.25
_MEMORY_GOAL_MB: Final = 120

# A window without anything in it: what any PySide6 program must spend.
_BARE: Final = """
import json, os, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget
started = int(sys.argv[1])
app = QApplication([])
class Window(QWidget):
    painted = False
    def paintEvent(self, event):
        if not self.painted:
            self.painted = True
            QTimer.singleShot(0, self.tell)
    def tell(self):
        elapsed = (time.time_ns() - started) / 1e6
        try:
            with open("/proc/self/statm") as statm:
                memory = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        except OSError:
            memory = None
        print(json.dumps({"first_paint_ms": elapsed, "rss_mb": memory}))
        app.quit()
window = Window()
window.resize(1440, 900)
window.show()
app.exec()
"""


# structlog loads rich where it finds it; only development tools bring it, an installation does not have it
_DESKTOP: Final = "import runpy, sys; sys.modules['rich'] = None; runpy.run_module('desktop', run_name='__main__', alter_sys=True)"


def run(*, rounds: int = 7) -> list[dict[str, Any]]:
    """Start both programs in turn ``rounds`` times and return the records.

    An uncounted round before several warms the file cache. Times are wall-clock medians and depend on the machine; the ratio does not.

    Raises:
        Unavailable: one of the programs did not start.
    """
    desktop: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(rounds + 1 if rounds > 1 else 1):
            ours = _start(["-c", _DESKTOP, "--measure-start"], home=home)
            control = _start(["-c", _BARE], home=home)
            if number or rounds == 1:
                desktop.append(ours)
                bare.append(control)
    return _records(desktop, bare, rounds=rounds)


def _records(desktop: list[dict[str, float]], bare: list[dict[str, float]], *, rounds: int) -> list[dict[str, Any]]:
    note = f"median of {rounds} starts in turn with a bare PySide6 window; "
    control = _median(bare, "first_paint_ms")
    first = _record("desktop.first_paint", _median(desktop, "first_paint_ms"), "ms", control, note + "outline of the window")
    first["threshold"] += f" and <= {_RATIO_GOAL} x control"
    first["met"] = first["met"] and first["ratio"] <= _RATIO_GOAL
    content = _record("desktop.content", _median(desktop, "content_ms"), "ms", control, note + "rail, top bar and skeleton page")
    if not all(found["rss_mb"] for found in desktop):
        return [first, content]
    words = "idle with the database libraries loaded; the control is the bare window without them"
    return [first, content, _record("desktop.memory", _median(desktop, "rss_mb"), "MB", _median(bare, "rss_mb"), words)]


def _record(name: str, value: float, unit: str, control: float, note: str) -> dict[str, Any]:
    limit = _MEMORY_GOAL_MB if unit == "MB" else _START_GOAL_MS
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "control": round(control, 1),
        "ratio": round(value / control, 3),
        "threshold": f"<= {limit} {unit}",
        "met": value <= limit,
        "note": note,
    }


def _median(found: list[dict[str, float]], key: str) -> float:
    return statistics.median(one[key] for one in found)


def _start(arguments: list[str], *, home: str) -> dict[str, float]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LECTERN_HOME": home}
    command = [sys.executable, *arguments, str(time.time_ns())]
    try:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
        found: dict[str, float] = json.loads(ran.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unavailable("The desktop could not be started for the measurement.") from error
    return found
