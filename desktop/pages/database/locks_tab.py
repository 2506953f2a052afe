"""The locks tab: who waits for whom, what they hold and want, and when that was so before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.database.episode_drawer import EpisodeDrawer
from desktop.pages.database.episode_strip import EpisodeStrip
from desktop.pages.database.exporting import write
from desktop.pages.database.lock_tables import TreeLine, lines_of, lock_columns, tree_columns
from desktop.pages.database.server_words import plain
from desktop.pages.database.session_drawer import SessionDrawer
from desktop.pages.database.stopping import Stopping
from desktop.pages.database.tab import Tab
from desktop.widgets.badge import Badge
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Table

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import Episode, LocksView

_TREE_ROW = 50
_LOCK_ROW = 36


class LocksTab(Tab):
    """The tree once a second; the drawer follows the session it shows."""

    key: ClassVar[str] = "locks"
    caption: ClassVar[str] = "Locks"
    action: ClassVar[str] = "server.read"
    export_title: ClassVar[str] = "Export locks and episodes"
    export_name: ClassVar[str] = "locks"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.stopping = Stopping(page)
        self._build()
        self.tree.selected.connect(self._select)
        self.shown_list.chosen.connect(self._choose_list)
        self.strip.chosen.connect(self._show_episode)
        self.drawer.closed.connect(self.tree.clearSelection)
        self.drawer.cancel_wanted.connect(self.stopping.cancel)
        self.drawer.terminate_wanted.connect(self.stopping.terminate)
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied.")))

    def read(self) -> LocksView:
        """Return trees, locks and episodes."""
        view: LocksView = self.context.backend.server.locks(actor=self.context.actor)
        return view

    def show_reading(self, reading: LocksView) -> None:
        """Show ``reading``."""
        roots, blocked = len(reading.trees), reading.blocked
        words = tr("1 waits") if blocked == 1 else tr("{n} wait", n=number(blocked))
        self.waiting.show_state(words if blocked else "", "bad")
        self.counted.emit(self.key, number(blocked) if blocked else "", "warn")
        held = tr("1 session keeps others waiting") if roots == 1 else tr("{n} sessions keep others waiting", n=number(roots))
        self.about.setText(held if roots else tr("nobody waits for a lock"))
        self.tree.set_rows(lines_of(reading.trees))
        self.locks.set_rows(reading.locks)
        facts = {"n": number(len(reading.locks)), "all": number(reading.locks_total)}
        self.total.setText(tr("{n} of {all} locks; those waited for first, then the strongest", **facts))
        self.strip.set_episodes(reading.episodes, end=reading.at)
        threshold = tr("waits of {n} s and more", n=number(reading.threshold_s))
        self.history.setText(threshold if reading.episodes_known else tr("cannot be read now: its table is locked"))
        self.not_current.show_state("")
        self._follow()

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        self.not_current.show_state(tr("not current"), unknown=True)

    def hidden(self) -> None:
        """Read nothing more, and leave no count beside a name that nobody keeps true."""
        super().hidden()
        self.counted.emit("locks", "", "none")

    def open_target(self, **target: object) -> None:
        """Show the session ``pid`` of a tree."""
        found = next((line for line in self.tree.rows if line.node.session.pid == target.get("pid")), None)
        if found is not None:
            self.tree.select_key(found.key)

    def write_export(self, path: Path, reading: LocksView) -> None:
        """Write trees, locks and episodes; as CSV the locks."""
        facts = plain(reading)
        write(path, facts, facts["locks"])

    def _build(self) -> None:
        role = self.context.actor.role if self.context.actor is not None else ""
        self.waiting, self.about, self.not_current = Badge(), PlainLabel("", "small"), Badge()
        detail = tr("Sessions that wait for a lock stand here below the one that holds it.")
        empty = EmptyState("circle-check", tr("Nobody waits for a lock"), detail=detail)
        self.tree = Table(tree_columns(), name=tr("Who waits for whom"), row_height=_TREE_ROW, key=lambda line: line.key, empty=empty)
        self.locks = Table(lock_columns(), name=tr("Locks"), row_height=_LOCK_ROW, empty=EmptyState("lock", tr("No lock is held")))
        self.total, self.history = PlainLabel("", "small"), PlainLabel("", "small")
        lists = [("tree", tr("Who waits for whom")), ("locks", tr("All locks"))]
        self.shown_list = SegmentedControl(lists, name=tr("Show"))
        self.trees_card = Card(tr("Sessions and locks"), icon_name="lock", right=(self.waiting, self.shown_list), flush=True)
        self.locks.hide()
        self.total.hide()
        self.trees_card.add((self.tree, 1), (self.locks, 1)).add_footer((self.about, 1), (self.total, 1), self.not_current)
        self.strip = EpisodeStrip()
        past = Card(tr("Episodes"), icon_name="history", right=(self.history,))
        past.add(self.strip)
        inside = holder(column((self.trees_card, 1), past, gap=12, margins=(24, 12, 24, 20)))
        self.drawer = SessionDrawer(may_stop=bool(role) and may(role, "server.cancel"))
        self.host = DrawerHost(inside, self.drawer)
        self.past = EpisodeDrawer()
        self.past_host = DrawerHost(self.host, self.past)
        self.content.setLayout(column((self.past_host, 1)))

    def _choose_list(self, key: object) -> None:
        self.tree.setVisible(key == "tree")
        self.locks.setVisible(key == "locks")
        self.total.setVisible(key == "locks")
        self.about.setVisible(key == "tree")

    def _select(self, line: TreeLine | None) -> None:
        if line is not None:
            self.past.close_drawer()
            self.drawer.show_node(line.node, line.above)
            self.host.open()

    def _show_episode(self, episode: Episode) -> None:
        self.drawer.close_drawer()
        self.past.show_episode(episode)
        self.past_host.open()

    def _follow(self) -> None:
        shown = self.drawer.session
        if shown is None or self.drawer.isHidden():
            return
        found = next((line for line in self.tree.rows if line.key == (shown.pid, shown.started_at)), None)
        if found is None:
            self.drawer.show_ended()
        else:
            self.drawer.show_node(found.node, found.above)
