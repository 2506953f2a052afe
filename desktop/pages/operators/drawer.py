"""The details of one operator: way in, open sessions, what the role may do, and what an administrator can change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from backend_core.policy import ALLOWED, OWNED
from desktop.i18n import ago, date_time, tr
from desktop.pages.operators.details import Line, role_sentence, role_words, state_words, way_in
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.access.records import SessionRow

CHANGES: Final = ("role", "password", "hand_over", "disable", "enable")


class OperatorDrawer(Drawer):
    """Signals carry what the user wants; the page asks and does it."""

    wanted = Signal(str)
    """One of ``CHANGES``."""
    revoke_wanted = Signal(str)
    """The id of a session."""

    def __init__(self) -> None:
        super().__init__(width=384)
        self.role, self.state = Badge(), Badge()
        self.about = PlainLabel("", "small", wrap=True)
        self.facts = KeyValues(name_width=104)
        self.session_lines = QVBoxLayout()
        self.session_lines.setSpacing(6)
        self.rights = PlainLabel("", "small", wrap=True)
        self._buttons = {key: Button(caption, "small", icon_name=icon, on_click=self._want(key)) for key, caption, icon in _captions()}
        first = [self._buttons[key] for key in ("role", "password", "hand_over")]
        second = [self._buttons[key] for key in ("disable", "enable")]
        self.changes = holder(column(row(*first, None, gap=8), row(*second, None, gap=8), gap=8))
        for part in (holder(row(self.role, self.state, None, gap=6)), self.about, self.changes, self.facts, over(tr("Open sessions"))):
            self.body.addWidget(part)
        self.body.addLayout(self.session_lines)
        for part in (over(tr("May do")), self.rights):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_line(self, line: Line, *, editable: bool, themself: bool) -> None:
        """Show a person; ``editable`` where the viewer is an administrator, ``themself`` where it is the viewer."""
        one = line.operator
        self.show_titles(one.name, tr("This is you") if themself else (one.email or ""))
        self.role.show_state(role_words(one.role), "info")
        self.state.show_state(*state_words(line))
        self.about.setText(role_sentence(one.role))
        self.changes.setVisible(editable)
        self._buttons["disable"].setVisible(not one.disabled and not themself)
        self._buttons["enable"].setVisible(one.disabled)
        self._buttons["hand_over"].setVisible(not themself)
        seen = line.last_seen
        self.facts.set_facts(
            [
                Fact(tr("Way in"), way_in(one)),
                Fact(tr("E-mail"), one.email or tr("none")),
                Fact(tr("Added"), date_time(one.created_at)),
                Fact(tr("Last seen"), tr("never") if seen is None else date_time(seen)),
            ]
        )
        self._show_sessions(line.sessions, editable=editable or themself)
        self.rights.setText(rights_of(one.role))

    def _show_sessions(self, sessions: tuple[SessionRow, ...], *, editable: bool) -> None:
        clear_layout(self.session_lines)
        now = datetime.now(UTC)
        for one in sessions:
            where = ElidedLabel(tr("{place} (this one)", place=one.workstation) if one.current else one.workstation, weight=500)
            when = PlainLabel(tr("used {ago}, ends {end}", ago=ago(one.last_seen_at, now=now), end=date_time(one.expires_at)), "small")
            end = Button(tr("End"), "small", name=tr("End the session on {place}", place=one.workstation), on_click=self._revoke(one.id))
            end.setEnabled(editable)
            self.session_lines.addWidget(holder(row((holder(column(where, when, gap=0)), 1), end, gap=8)))
        if not sessions:
            self.session_lines.addWidget(PlainLabel(tr("None."), "small"))

    def _want(self, key: str) -> Callable[[], None]:
        return lambda: self.wanted.emit(key)

    def _revoke(self, session: str) -> Callable[[], None]:
        return lambda: self.revoke_wanted.emit(session)


def _captions() -> tuple[tuple[str, str, str], ...]:
    return (
        ("role", tr("Role…"), "user-cog"),
        ("password", tr("Password…"), "key-round"),
        ("hand_over", tr("Hand over…"), "share-2"),
        ("disable", tr("Disable…"), "ban"),
        ("enable", tr("Enable"), "circle-check"),
    )


def rights_of(role: str) -> str:
    """Return what a role may do, one line for each kind of thing."""
    kinds: dict[str, list[str]] = {}
    for action, roles in ALLOWED.items():
        if role in roles:
            kind, _, verb = action.partition(".")
            own = f"{verb.replace('_', ' ')} (own)" if role == "support" and action in OWNED else verb.replace("_", " ")
            kinds.setdefault(kind, []).append(own)
    return "\n".join(f"{kind}: {', '.join(verbs)}" for kind, verbs in kinds.items())
