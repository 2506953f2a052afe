"""The activity tab: every session of the database, what it does, and how long it has been doing it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.database.count_bars import CountBars
from desktop.pages.database.exporting import write
from desktop.pages.database.server_words import (
    age_tone,
    name_of,
    origin,
    plain,
    span,
    state_tone,
    state_words,
    statement,
    waits,
)
from desktop.pages.database.session_drawer import SessionDrawer
from desktop.pages.database.stopping import Stopping
from desktop.pages.database.tab import Tab
from desktop.style import NORMAL, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell, two_line_cell
from desktop.widgets.count_chips import CountChips
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.field import SearchField
from desktop.widgets.figure_tile import FigureTile
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import ActivityView, SessionRow

FULL: Final = 0.8
_TOP = 148
_ROW_HEIGHT = 46
_FIELD_WIDTH = 220
_WIDE = 900
ALL, ACTIVE, OPEN, WAITING, OTHERS = "all", "active", "transaction", "waiting", "others"


class ActivityTab(Tab):
    """Sessions once a second; those that wait stand first."""

    key: ClassVar[str] = "activity"
    caption: ClassVar[str] = "Activity"
    action: ClassVar[str] = "server.read"
    export_title: ClassVar[str] = "Export the activity"
    export_name: ClassVar[str] = "activity"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.stopping = Stopping(page)
        self._build()
        self.table.selected.connect(self._select)
        self.chips.chosen.connect(lambda _key: self._show_rows())
        self.query.searched.connect(lambda _words: self._show_rows())
        self.drawer.closed.connect(self.table.clearSelection)
        self.drawer.cancel_wanted.connect(self.stopping.cancel)
        self.drawer.terminate_wanted.connect(self.stopping.terminate)
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied.")))

    def read(self) -> ActivityView:
        """Return the sessions."""
        view: ActivityView = self.context.backend.server.activity(actor=self.context.actor)
        return view

    def show_reading(self, reading: ActivityView) -> None:
        """Show ``reading``."""
        share = reading.connections / max(1, reading.max_connections)
        elsewhere = tr("{n} to other databases", n=number(reading.elsewhere)) if reading.elsewhere else tr("all to this database")
        of = tr("of {all} · {rest}", all=number(reading.max_connections), rest=elsewhere)
        self.connections.show_figure(number(reading.connections), of, tone="warn" if share >= FULL else "")
        oldest = reading.oldest_transaction_s
        tone = age_tone(oldest).replace("text", "")
        self.oldest.show_figure(tr("none") if oldest is None else span(oldest), tr("oldest open transaction"), tone=tone)
        self.states.set_counts([(name or tr("starting"), n) for name, n in reading.by_state])
        self.applications.set_counts(Counter(name_of(one) for one in reading.sessions if not one.background).most_common())
        self.users.set_counts(reading.by_user)
        self.waits.set_counts(reading.by_wait)
        self.withheld.show_state(tr("{n} hidden by the server", n=number(reading.hidden)) if reading.hidden else "", "none")
        self.not_current.show_state("")
        self.counted.emit(self.key, number(sum(not one.background for one in reading.sessions)), "none")
        self.counted.emit("locks", number(reading.blocked) if reading.blocked else "", "warn")
        self._show_rows()
        self._follow()

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        self.not_current.show_state(tr("not current"), unknown=True)

    def hidden(self) -> None:
        """Read nothing more, and leave no count beside a name that nobody keeps true."""
        super().hidden()
        self.counted.emit("locks", "", "none")

    def open_target(self, **target: object) -> None:
        """Show the session ``pid``, or the sessions of ``state``."""
        state, pid = target.get("state"), target.get("pid")
        if isinstance(state, str) and state in (ALL, ACTIVE, OPEN, WAITING, OTHERS):
            self.chips.choose(state)
            self._show_rows()
        if isinstance(pid, int):
            self.chips.choose(ALL)
            self._show_rows()
            found = next((one for one in self.table.rows if one.pid == pid), None)
            if found is not None:
                self.table.select_key(_key(found))

    def server(self) -> tuple[str, float] | None:
        """Return version and uptime."""
        return None if self.reading is None else (self.reading.server_version, self.reading.uptime_s)

    def write_export(self, path: Path, reading: ActivityView) -> None:
        """Write every session."""
        facts = plain(reading)
        rows = [dict(one) | {"blocked_by": " ".join(str(pid) for pid in one["blocked_by"])} for one in facts["sessions"]]
        write(path, facts, rows)

    def _build(self) -> None:
        role = self.context.actor.role if self.context.actor is not None else ""
        self.connections = FigureTile(tr("Connections"), "plug")
        self.oldest = FigureTile(tr("Transactions"), "hourglass")
        self.states, self.applications = CountBars(tr("By state")), CountBars(tr("By application"))
        self.users, self.waits = CountBars(tr("By user")), CountBars(tr("Waits of running statements"), empty=tr("nothing is waited for"))
        bars = (self.states, self.applications, self.users, self.waits)
        left = holder(column((self.connections, 1), (self.oldest, 1), gap=8))
        for tile in (self.connections, self.oldest):
            tile.setFixedHeight((_TOP + 44) // 2)
        top = _Top(self.users, self.waits)
        top.setLayout(row((left, 21), *((one, 25) for one in bars), gap=12, stretch_height=True))
        top.setFixedHeight(_TOP + 52)
        captions = {ALL: tr("All"), ACTIVE: tr("Active"), OPEN: tr("In transaction"), WAITING: tr("Waiting"), OTHERS: tr("Not Lectern")}
        self.chips = CountChips(list(captions.items()), name=tr("Sessions"))
        self.query = SearchField(name=tr("Filter sessions"), hint=tr("application, user, statement"))
        self.query.setFixedWidth(_FIELD_WIDTH)
        self.withheld, self.not_current, self.total = Badge(), Badge(), PlainLabel("", "small")
        self.empty = EmptyState("activity", tr("No session fits"), detail=tr("Choose another state, or change the filter."))
        self.table = Table(_columns(), name=tr("Sessions"), row_height=_ROW_HEIGHT, key=_key, empty=self.empty)
        card = Card(flush=True)
        card.add((self.table, 1)).add_footer((self.total, 1), self.withheld, self.not_current)
        bar = holder(row(self.query, (self.chips, 1), gap=12))
        inside = holder(column(top, bar, (card, 1), gap=12, margins=(24, 12, 24, 20)))
        self.drawer = SessionDrawer(may_stop=bool(role) and may(role, "server.cancel"))
        self.host = DrawerHost(inside, self.drawer)
        self.content.setLayout(column((self.host, 1)))

    def _show_rows(self) -> None:
        view: ActivityView | None = self.reading
        if view is None:
            return
        kinds = {key: [one for one in view.sessions if _fits(one, key)] for key in (ALL, ACTIVE, OPEN, WAITING, OTHERS)}
        self.chips.set_counts({key: number(len(found)) for key, found in kinds.items()})
        words = self.query.text().strip().casefold()
        rows = [one for one in kinds[self.chips.current] if words in _searched(one)]
        self.table.set_rows(rows)
        background = sum(one.background for one in view.sessions)
        facts = {"n": number(len(rows)), "all": number(len(view.sessions)), "own": number(background)}
        self.total.setText(tr("{n} of {all} sessions, {own} of the server itself; those that wait first", **facts))

    def _select(self, session: SessionRow | None) -> None:
        if session is not None:
            self.drawer.show_session(session, blocks=self._blocks(session))
            self.host.open()

    def _follow(self) -> None:
        shown = self.drawer.session
        if shown is None or self.drawer.isHidden():
            return
        found = next((one for one in self.reading.sessions if _key(one) == _key(shown)), None)
        if found is None:
            self.drawer.show_ended()
        else:
            self.drawer.show_session(found, blocks=self._blocks(found))

    def _blocks(self, session: SessionRow) -> tuple[int, ...]:
        return tuple(one.pid for one in self.reading.sessions if session.pid in one.blocked_by)


class _Top(QWidget):
    """The figures above the sessions; the last two give way where there is little room."""

    def __init__(self, *further: QWidget) -> None:
        super().__init__()
        self._further = further

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show or hide them."""
        super().resizeEvent(event)
        for part in self._further:
            part.setVisible(self.width() >= _WIDE)


def _key(session: SessionRow) -> object:
    return session.pid, session.started_at


def _fits(session: SessionRow, key: str) -> bool:
    if key == ACTIVE:
        return session.state == "active" and not session.background
    if key == OPEN:
        return session.transaction_s is not None and not session.background
    if key == WAITING:
        return bool(session.blocked_by)
    return key == ALL or not (session.ours or session.background)


def _searched(session: SessionRow) -> str:
    return " ".join((session.application, session.kind, session.user, str(session.pid), session.state, session.query or "")).casefold()


def _columns() -> list[Column]:
    def user(session: SessionRow) -> str:
        return session.user or tr("none")

    return [
        Column("session", tr("Session"), lambda s: f"{name_of(s)}, {origin(s)}", two_line_cell(name_of, origin), width=204),
        Column("user", tr("User"), user, text_cell(user, tone="muted", size=12), width=132),
        Column("state", tr("State"), state_words, _draw_state, width=150),
        Column("since", tr("For"), lambda s: span(s.state_s), text_cell(lambda s: span(s.state_s), right=True), width=76, right=True),
        Column("age", tr("Transaction"), lambda s: span(s.transaction_s), _draw_age, width=96, right=True),
        Column("waits", tr("Waits for"), waits, _draw_waits, width=116),
        Column("statement", tr("Statement"), statement, text_cell(statement, tone="muted", mono=True)),
    ]


def _draw_state(painter: QPainter, rect: QRectF, session: SessionRow, state: CellState) -> None:
    tone = state_tone(session)
    if session.state == "hidden":
        paint.unknown_pill(
            painter,
            rect.x(),
            rect.center().y(),
            tr("hidden"),
            icon_name="circle-question-mark",
            ground="sel" if state.selected else "surface",
        )
    elif session.state == "idle" or session.background:
        paint.text(painter, rect, state_words(session), size=12, tone="muted")
    else:
        paint.pill(painter, rect.x(), rect.center().y(), state_words(session), tone, edge=state.selected or tone == "none")


def _draw_age(painter: QPainter, rect: QRectF, session: SessionRow, _state: CellState) -> None:
    tone = age_tone(session.transaction_s)
    weight = NORMAL if tone == "text" else SEMIBOLD
    faint = "muted" if session.transaction_s is None else tone
    paint.text(painter, rect, span(session.transaction_s), tone=faint, weight=weight, align=paint.RIGHT)


def _draw_waits(painter: QPainter, rect: QRectF, session: SessionRow, _state: CellState) -> None:
    loud = bool(session.blocked_by)
    paint.text(painter, rect, waits(session), size=12, tone="bad" if loud else "muted", weight=SEMIBOLD if loud else NORMAL)
