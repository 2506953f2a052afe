"""The commands of the window itself: go to a page, refresh, theme, palette, quit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from desktop.commands import Commands
from desktop.i18n import tr
from desktop.page_list import AnyPage

DIGITS: Final = 9


class Shell(Protocol):
    """What the window can do; see ``desktop.main_window.MainWindow``."""

    commands: Commands

    def navigate(self, key: str, **target: object) -> None:
        """Show a page."""
        ...  # pragma: no cover - a declaration

    def refresh(self) -> None:
        """Read the page again."""
        ...  # pragma: no cover - a declaration

    def open_palette(self) -> None:
        """Show the command palette."""
        ...  # pragma: no cover - a declaration

    def open_help(self) -> None:
        """Show the shortcuts."""
        ...  # pragma: no cover - a declaration


def add_shell_commands(
    shell: Shell,
    pages: Sequence[AnyPage],
    *,
    turn_theme: Callable[[], object],
    follow_system: Callable[[], object],
    fold: Callable[[], object],
    leave: Callable[[], object],
) -> None:
    """Register the commands; those that go to a page wait until somebody is let in."""
    go, view, app = tr("Go to"), tr("View"), tr("Lectern")
    add = shell.commands.add
    for number, page in enumerate(pages, start=1):
        shortcut = f"Alt+{number}" if number <= DIGITS else ""
        run = partial(shell.navigate, page.key)
        add(f"go.{page.key}", title=tr(page.title), run=run, group=go, shortcut=shortcut, icon=page.icon, enabled=False)
    add("view.refresh", title=tr("Refresh"), run=shell.refresh, group=view, shortcut="F5", icon="refresh-cw")
    add("view.theme", title=tr("Switch between light and dark"), run=turn_theme, group=view, shortcut="Ctrl+Shift+L", icon="sun")
    add("view.system_theme", title=tr("Follow the system's light or dark"), run=follow_system, group=view, icon="monitor")
    add("view.fold", title=tr("Fold or unfold the rail"), run=fold, group=view, shortcut="Ctrl+B", icon="panel-left")
    add("app.palette", title=tr("Command palette"), run=shell.open_palette, group=app, shortcut="Ctrl+K", icon="command")
    add("app.help", title=tr("Keyboard shortcuts"), run=shell.open_help, group=app, shortcut="?", icon="keyboard")
    add("app.quit", title=tr("Quit"), run=leave, group=app, shortcut="Ctrl+Q", icon="log-out")
