"""The one registry of actions: menus, shortcuts, the Ctrl+K palette and the shortcut help all read it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

_START = 8
_WORD = 6
_RUN = 4


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can do.

    Attributes:
        id: dotted and stable, for example ``documents.import``.
        title: what palette, menu and help show.
        group: heading in the help.
        icon: name in ``resources/icons``, may be empty.
        shortcut: portable text such as ``Ctrl+O``, may be empty.
        action: the Qt action that runs it.
    """

    id: str
    title: str
    group: str
    icon: str
    shortcut: str
    action: QAction

    @property
    def enabled(self) -> bool:
        """Whether it can run now."""
        return self.action.isEnabled()


class Commands(QObject):
    """Every command of the window, in the order they were added."""

    changed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._known: dict[str, Command] = {}
        self._asleep = False

    def sleep(self, *, on: bool) -> None:
        """Let no command run, neither by its shortcut nor by its name, while the window is covered."""
        self._asleep = on
        for command in self._known.values():
            if on:
                self._window.removeAction(command.action)
            else:
                self._window.addAction(command.action)
        self.changed.emit()

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget every command but these."""
        for command_id in [known for known in self._known if known not in ids]:
            self.remove(command_id)

    def add(
        self,
        command_id: str,
        *,
        title: str,
        run: Callable[[], object],
        group: str,
        shortcut: str = "",
        icon: str = "",
        enabled: bool = True,
    ) -> Command:
        """Register a command; an earlier one with the same id is replaced.

        Raises:
            ValueError: another command has the shortcut.
        """
        self.remove(command_id)
        taken = next((known.id for known in self._known.values() if shortcut and known.shortcut == shortcut), None)
        if taken is not None:
            message = f"{shortcut} belongs to {taken}"
            raise ValueError(message)
        action = QAction(title.replace("&", "&&"), self)
        action.setShortcut(QKeySequence.fromString(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setEnabled(enabled)
        action.triggered.connect(lambda _checked=False: run())
        if not self._asleep:
            self._window.addAction(action)
        command = Command(command_id, title, group, icon, shortcut, action)
        self._known[command_id] = command
        self.changed.emit()
        return command

    def remove(self, command_id: str) -> None:
        """Forget a command; an unknown id is ignored."""
        command = self._known.pop(command_id, None)
        if command is not None:
            self._window.removeAction(command.action)
            command.action.deleteLater()
            self.changed.emit()

    def set_enabled(self, command_id: str, *, on: bool) -> None:
        """Allow or forbid a command.

        Raises:
            KeyError: no such command.
        """
        self._known[command_id].action.setEnabled(on)

    def run(self, command_id: str) -> None:
        """Run a command if it is enabled.

        Raises:
            KeyError: no such command.
        """
        if not self._asleep:
            self._known[command_id].action.trigger()

    def get(self, command_id: str) -> Command:
        """Return one command.

        Raises:
            KeyError: no such command.
        """
        return self._known[command_id]

    def all(self) -> list[Command]:
        """Return every command."""
        return list(self._known.values())

    def find(self, query: str) -> list[Command]:
        """Return the enabled commands that match ``query``, best first; all of them for an empty query."""
        ready = [command for command in self._known.values() if command.enabled and not self._asleep]
        if not query.strip():
            return ready
        scored = [(fuzzy_score(query, f"{command.title} {command.group}"), command) for command in ready]
        return [command for score, command in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


def fuzzy_score(query: str, text: str) -> int:
    """Return how well the letters of ``query`` occur in order in ``text``; 0 when they do not.

    >>> fuzzy_score("add", "Add documents") > fuzzy_score("add", "Load old data")
    True
    >>> fuzzy_score("xyz", "Add documents")
    0
    """
    wanted, hay = query.casefold().replace(" ", ""), text.casefold()
    score, at, previous = 0, 0, -2
    for letter in wanted:
        word = hay.find(" " + letter, max(0, at - 1))
        found = hay.find(letter, at)
        if found < 0:
            return 0
        if found != previous + 1 and word >= 0:
            found = word + 1
        if found == previous + 1:
            score += _RUN
        if found == 0:
            score += _START
        elif hay[found - 1] == " ":
            score += _WORD
        score += 1
        previous, at = found, found + 1
    return score
