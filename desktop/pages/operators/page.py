"""The operators page: the table of people, the drawer of one, and the access review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtWidgets import QFileDialog, QStackedWidget

from backend_core.errors import LecternError, StorageFailed
from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.operators import dialogs
from desktop.pages.operators.details import (
    ROLE_TONES,
    Line,
    one_time_password,
    review_csv,
    role_words,
    search_lines,
    seen_words,
    state_words,
    way_in,
)
from desktop.pages.operators.drawer import OperatorDrawer
from desktop.pages.operators.review_tab import ReviewTab
from desktop.widgets import cells
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Dialog
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.field import SearchField
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table
from desktop.widgets.tabs import Tabs

if TYPE_CHECKING:
    from backend_core.access.records import Operator, ReviewRow

ROW_HEIGHT: Final = 48


class OperatorsPage(Page):
    """Reads everybody at once; changes ask first, and the service asks again."""

    key: ClassVar[str] = "operators"
    title: ClassVar[str] = "Operators"
    icon: ClassVar[str] = "users"
    group: ClassVar[str] = "Assure"
    action: ClassVar[str] = "operator.list"
    tables: ClassVar[frozenset[str]] = frozenset({"operators", "auth_session", "operator_password"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.lines: list[Line] = []
        self.dialog: Dialog | QFileDialog | None = None
        self.count = Badge()
        self.add = Button(tr("Add operator"), "primary", icon_name="plus", on_click=self.ask_new)
        self.add.setEnabled(may(context.actor.role, "operator.add"))
        self.search = SearchField(name=tr("Search operators"), hint=tr("Name, role or e-mail"), key="/")
        self.search.searched.connect(lambda _words: self._show_lines())
        self.drawer = OperatorDrawer()
        self.drawer.wanted.connect(self._ask)
        self.drawer.revoke_wanted.connect(self._revoke)
        self.drawer.closed.connect(self._unselect)
        self.review = ReviewTab()
        self.review.day_changed.connect(self.refresh)
        self.review.export_wanted.connect(self.choose_export)
        self.tabs = Tabs([("people", tr("Operators")), ("review", tr("Access review"))], name=tr("Operators"))
        self.tabs.chosen.connect(self._switch)
        self._build()
        add, group = context.commands.add, tr("Operators")
        add("operators.add", title=tr("Add operator"), run=self.ask_new, group=group, icon="plus", enabled=self.add.isEnabled())
        add("operators.review", title=tr("Review access"), run=lambda: self.tabs.choose("review"), group=group, icon="list-checks")

    def refresh(self) -> None:
        """Read the people, and the review when it is shown."""
        self.load(self._read, self._show)

    def open_target(self, **target: object) -> None:
        """Show the operator ``operator_id``."""
        if isinstance(target.get("operator_id"), int):
            self.tabs.choose("people")
            self.table.select_key(target["operator_id"])

    def ask_new(self) -> None:
        """Ask for a new operator."""
        if not self.add.isEnabled():
            return
        shared = bool(getattr(self.context.backend.access, "shared", False))
        self._open(dialogs.AddOperatorDialog(self, shared=shared, on_add=self.add_operator))

    def add_operator(self, new: dialogs.NewOperator) -> None:
        """Add the operator and show the password once."""

        def work() -> Operator:
            access, actor = self.context.backend.access, self.context.actor
            added: Operator = access.add(new.name, role=new.role, email=new.email, password=new.password, actor=actor)
            return added

        def done(operator: Operator) -> None:
            self._open(dialogs.show_once(self, operator.name, new.password))

        self.act(work, done)

    def choose_export(self) -> None:
        """Ask for a file and write the review into it."""
        name = f"access-review-{(self.review.as_of or datetime.now(UTC)).astimezone():%Y%m%d}"
        title, kinds = tr("Export the access review"), {tr("CSV files (*.csv)"): "csv"}
        self.dialog = ask_file(self, title, kinds=kinds, name=name, on_chosen=self.export_to)

    def export_to(self, path: Path) -> None:
        """Write the review that is shown to ``path``."""
        text = review_csv(self.review.rows, as_of=self.review.as_of)
        self.act(lambda: _write(path, text), lambda _: self.context.notify(tr("Exported to {name}.", name=path.name)))

    # -- what an administrator changes

    def tell(self, error: LecternError) -> None:
        """Show what the server's administrator has to run, where that is what is missing."""
        statements = getattr(error, "statements", None)
        if statements:
            self._open(dialogs.show_statements(self, str(error), statements))
            self.refresh()
        else:
            super().tell(error)

    def _ask(self, change: str) -> None:
        line = self.table.current()
        if line is None:
            return
        one, others = line.operator, self._successors(line.operator)
        if change == "role":
            self._open(dialogs.RoleDialog(self, one, on_role=lambda role: self._do(lambda a, x: a.set_role(one.id, role, actor=x))))
        elif change == "password":
            self._reset(one)
        elif change == "hand_over":
            self._open(dialogs.HandOverDialog(self, one, successors=others, on_choice=lambda to: self._hand_over(one, to)))
        elif change == "disable":
            self._open(dialogs.DisableDialog(self, one, successors=others, on_disable=lambda to: self._disable(one, to)))
        else:
            self._do(lambda a, x: a.enable(one.id, actor=x))

    def _do(self, work: Callable[[Any, Any], object], done: Callable[[Any], object] | None = None) -> None:
        self.act(lambda: work(self.context.backend.access, self.context.actor), done)

    def _reset(self, one: Operator) -> None:
        password = one_time_password()
        shown = lambda _nothing: self._open(dialogs.show_once(self, one.name, password))  # noqa: E731  # a slot of one line
        self._do(lambda a, x: a.reset_password(one.id, password, actor=x), shown)

    def _hand_over(self, one: Operator, to: int) -> None:
        moved = lambda n: self.context.notify(tr("{n} documents of {name} have a new owner.", n=number(n), name=one.name))  # noqa: E731  # a slot of one line
        self._do(lambda a, x: a.hand_over(one.id, to, actor=x), moved)

    def _disable(self, one: Operator, to: int | None) -> None:
        def work(access: Any, actor: Any) -> object:
            if to is not None:
                access.hand_over(one.id, to, actor=actor)
            return access.disable(one.id, actor=actor)

        self._do(work, lambda _: self.context.notify(tr("{name} is disabled and signed out.", name=one.name)))

    def _revoke(self, session: str) -> None:
        self._do(lambda a, x: a.revoke_session(session, actor=x), lambda _: self.context.notify(tr("The session has ended.")))

    def _successors(self, one: Operator) -> list[Operator]:
        sample = "sample:"
        people = (line.operator for line in self.lines)
        return [
            other
            for other in people
            if other.id != one.id and not other.disabled and other.role != "auditor" and not (other.os_user or "").startswith(sample)
        ]

    # -- showing

    def _build(self) -> None:
        self.table = Table(
            _columns(),
            name=tr("Operators"),
            row_height=ROW_HEIGHT,
            key=lambda line: line.id,
            empty=EmptyState("users", tr("No operator matches")),
        )
        self.table.selected.connect(self._select)
        card = Card(flush=True)
        card.body.addWidget(self.table)
        people = holder(column(self.search, (card, 1), gap=12, margins=(24, 12, 24, 16)))
        self.stack = QStackedWidget()
        self.stack.addWidget(people)
        self.stack.addWidget(holder(column((self.review, 1), margins=(24, 12, 24, 16))))
        head = holder(column(title_row(tr(self.title), self.count, right=(self.add,)), self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.host = DrawerHost(holder(column(head, (self.stack, 1), gap=0)), self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _open(self, dialog: Dialog) -> None:
        self.dialog = dialog
        if not dialog.isVisible():
            dialog.open()

    def _read(self) -> tuple[list[Line], tuple[ReviewRow, ...]]:
        access, actor = self.context.backend.access, self.context.actor
        sessions = access.sessions(actor=actor)
        lines = [Line(one, tuple(row for row in sessions if row.operator_id == one.id)) for one in access.listing(actor=actor)]
        review = access.review(actor=actor, as_of=self.review.as_of) if self.tabs.current == "review" else ()
        return lines, review

    def _show(self, read: tuple[list[Line], tuple[ReviewRow, ...]]) -> None:
        self.lines, review = read
        self.count.show_state(number(len(self.lines)), "none")
        self._show_lines()
        if self.tabs.current == "review":
            self.review.show_rows(review)

    def _show_lines(self) -> None:
        self.table.set_rows(search_lines(self.lines, self.search.text()))
        line = self.table.current()
        if line is not None:
            self._select(line)

    def _select(self, line: Line | None) -> None:
        if line is None:
            self.drawer.close_drawer()
            return
        actor = self.context.actor
        self.drawer.show_line(line, editable=may(actor.role, "operator.edit"), themself=line.id == actor.operator_id)
        self.host.open()

    def _unselect(self) -> None:
        self.table.clearSelection()

    def _switch(self, key: str) -> None:
        self.stack.setCurrentIndex(0 if key == "people" else 1)
        self.place = tr("Access review") if key == "review" else ""
        self.place_changed.emit()
        if key == "review":
            self.drawer.close_drawer()
            self.refresh()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError:
        raise StorageFailed("The file cannot be written there.") from None


def _columns() -> list[Column]:
    def name(line: Line) -> str:
        return str(line.operator.name)

    def contact(line: Line) -> str:
        return line.operator.email or way_in(line.operator)

    def role(line: Line) -> tuple[str, str]:
        return role_words(line.operator.role), ROLE_TONES.get(line.operator.role, "none")

    def seen(line: Line) -> str:
        return seen_words(line, now=datetime.now(UTC))

    def open_sessions(line: Line) -> str:
        return number(len(line.sessions)) if line.sessions else tr("none")

    return [
        Column("name", tr("Operator"), name, cells.two_line_cell(name, contact, icon_name=lambda _line: "user-round")),
        Column("role", tr("Role"), lambda line: role(line)[0], cells.badge_cell(role), width=130),
        Column("state", tr("State"), lambda line: state_words(line)[0], cells.badge_cell(state_words), width=100),
        Column("seen", tr("Last seen"), seen, cells.text_cell(seen, tone="muted"), width=120),
        Column("sessions", tr("Open sessions"), open_sessions, cells.text_cell(open_sessions, right=True), width=120, right=True),
    ]
