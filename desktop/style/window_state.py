"""Remembers where the window stood, and never brings it back where no screen is."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QRect

_log = logging.getLogger(__name__)
FILE: Final = "window.json"
MODES: Final = ("system", "light", "dark")
_LARGEST = 20_000


@dataclass(frozen=True, slots=True)
class WindowState:
    """What the window looks like after a restart; sizes in logical px."""

    x: int = 80
    y: int = 60
    width: int = 1440
    height: int = 900
    maximised: bool = False
    folded: bool = False
    theme: str = "system"
    page: str = ""

    @property
    def rect(self) -> QRect:
        """Place and size."""
        return QRect(self.x, self.y, self.width, self.height)


def load_state(folder: Path) -> WindowState:
    """Return what ``save_state`` wrote; a missing or damaged file gives the defaults."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WindowState()
    if not isinstance(found, dict):
        return WindowState()
    default = WindowState()
    kept: dict[str, Any] = {}
    for name, standard in asdict(default).items():
        value = found.get(name, standard)
        kept[name] = value if type(value) is type(standard) and _sane(value) else standard
    if kept["theme"] not in MODES:
        kept["theme"] = default.theme
    return WindowState(**kept)


def save_state(folder: Path, state: WindowState) -> None:
    """Write ``state``; a folder that cannot be written to costs only the memory of the window."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{FILE}.new"
        draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
        draft.replace(folder / FILE)
    except OSError as error:
        from backend_core.logs import log_failure

        log_failure(_log, "the window's place could not be saved", error, level=logging.WARNING)


def clamp(wanted: QRect, screens: Sequence[QRect], *, least: tuple[int, int]) -> QRect:
    """Return ``wanted`` moved and shrunk to lie wholly on the screen it overlaps most, at least ``least`` where the screen allows."""
    if not screens:
        return wanted
    home = max(screens, key=lambda screen: _area(screen.intersected(wanted)))
    width = min(max(wanted.width(), least[0]), home.width())
    height = min(max(wanted.height(), least[1]), home.height())
    left = min(max(wanted.x(), home.x()), home.x() + home.width() - width)
    top = min(max(wanted.y(), home.y()), home.y() + home.height() - height)
    return QRect(left, top, width, height)


def _area(rect: QRect) -> int:
    return rect.width() * rect.height() if rect.isValid() else 0


def _sane(value: object) -> bool:
    return not isinstance(value, int) or abs(value) <= _LARGEST
