"""Guard for decision 15: a PySide6 that drops references to True or None aborts the program after some 600 signals."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QPushButton

CALLS = 100


class Emitter(QObject):
    fired = Signal(bool)


def drift(value: object, call: Callable[[], object]) -> int:
    """The change of references over 100 calls; the smallest of five tries, because other threads count too."""
    call()
    found = []
    for _ in range(5):
        before = sys.getrefcount(value)
        for _ in range(CALLS):
            call()
        found.append(sys.getrefcount(value) - before)
    return min(found, key=abs)


def test_emitting_a_signal_leaves_the_references_of_true_alone(qapp: QApplication) -> None:
    emitter = Emitter()
    assert drift(True, lambda: emitter.fired.emit(True)) == 0


def test_processing_events_and_enabling_leave_the_references_of_none_alone(qapp: QApplication, qtbot: object) -> None:
    button = QPushButton()
    assert drift(None, qapp.processEvents) == 0
    assert drift(None, lambda: button.setEnabled(True)) == 0
    assert drift(None, button.click) == 0
    button.deleteLater()
