"""One event: what happened, what it changed, where it stands in its writer's chain, and the seal that proves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSizePolicy, QWidget

from backend_core.errors import LecternError
from desktop.i18n import duration, number, tr
from desktop.pages.audit.chain_view import ChainView
from desktop.pages.audit.diff import DiffView, diff_lines
from desktop.pages.audit.proof import proof_of
from desktop.pages.audit.witness_list import WitnessList
from desktop.pages.audit.words import OUTCOMES, event_title
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, over
from desktop.widgets.layout import column, holder, row, rule
from desktop.widgets.page import Page
from desktop.widgets.states import ErrorState

if TYPE_CHECKING:
    from backend_core.audit.rows import AuditDetails, AuditRow, SealFacts
    from backend_core.audit.witnesses import Witness

WIDTH: Final = 384
_NAME_WIDTH: Final = 84


class EventDrawer(Drawer):
    """Shows one event at a time; the arrows in its head move through the list."""

    step_wanted = Signal(int)
    """-1 for the row above, 1 for the row below."""
    event_wanted = Signal(int)
    """The id of a neighbour in the chain."""
    related_wanted = Signal(str)
    """The correlation id."""
    located = Signal(object)
    """The row of an event that was asked for by its id."""

    def __init__(self, page: Page) -> None:
        super().__init__(width=WIDTH)
        self._page = page
        self.event_id = 0
        self._follow = False
        self.details: AuditDetails | None = None
        self.subtitle.hide()
        self.tools.addWidget(_ghost("chevron-up", tr("Event above"), lambda: self.step_wanted.emit(-1)))
        self.tools.addWidget(_ghost("chevron-down", tr("Event below"), lambda: self.step_wanted.emit(1)))
        self.failure = ErrorState(on_retry=self.refresh)
        self.failure.hide()
        self.content = holder(column(*self._parts(), gap=0))
        self.body.addWidget(self.failure, 1)
        self.body.addWidget(self.content)
        self.body.addStretch(1)
        self._add_foot()
        self.chain.wanted.connect(self.event_wanted)

    # -- what the page calls

    def show_event(self, event_id: int, *, follow: bool = False) -> None:
        """Read and show one event; with ``follow`` say which row it is."""
        self.event_id, self._follow = event_id, follow
        self.refresh()

    def refresh(self) -> None:
        """Read the event again."""
        context, wanted = self._page.context, self.event_id
        if wanted:
            read: Callable[[], Any] = lambda: context.backend.trail.details(wanted, actor=context.actor)  # noqa: E731 - given its type
            context.background.run(self._page, read, self._show, self._fail, key="details")

    def show_witnesses(self, summary: str, sentence: str, witnesses: Sequence[Witness]) -> None:
        """Say what the witnesses remember, and what that is worth."""
        self.witnesses.setText(summary)
        self.witness_note.setText(sentence)
        self.witness_list.show_witnesses(witnesses)

    def copy_proof(self) -> None:
        """Put event, seal and proof on the clipboard as JSON."""
        if self.details is not None:
            QGuiApplication.clipboard().setText(json.dumps(proof_of(self.details), ensure_ascii=False, indent=2))
            self._page.context.notify(tr("Proof copied."))

    # -- building

    def _parts(self) -> tuple[QWidget | int, ...]:
        self.action, self.outcome = Badge(), Badge()
        self.facts = KeyValues(name_width=_NAME_WIDTH)
        self.diff = DiffView()
        self.diff_part = holder(column(over(tr("Before and after")), 6, self.diff, gap=0, margins=(0, 0, 0, 16)))
        badges = holder(row(self.action, self.outcome, None, gap=6), height=22)
        return (badges, 12, self.facts, 14, self.diff_part, *self._chain_parts(), *self._seal_parts(), *self._witness_parts())

    def _chain_parts(self) -> tuple[QWidget | int, ...]:
        self.chain = ChainView()
        self.writer = ElidedLabel(size=12, tone="muted", mono=True)
        self.writer.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        return holder(row(over(tr("Writer’s chain")), (self.writer, 1), gap=16), height=18), 6, self.chain, 14

    def _seal_parts(self) -> tuple[QWidget | int, ...]:
        self.seal_icon, self.seal_state = IconLabel("badge-check", "ok", size=14), PlainLabel("", "smalltext", tone="ok")
        self.seal = KeyValues(name_width=_NAME_WIDTH)
        self.seal_box = holder(column(self.seal, margins=(12, 6, 12, 6)), name="inset")
        return holder(row(over(tr("Seal")), None, self.seal_icon, self.seal_state, gap=5), height=18), 6, self.seal_box, 14

    def _witness_parts(self) -> tuple[QWidget | int, ...]:
        self.witnesses = PlainLabel(tr("not asked yet"), "small")
        self.witness_list = WitnessList()
        self.witness_note = PlainLabel(tr("Verify now asks every witness what it remembers."), "small", wrap=True)
        return holder(row(over(tr("Witnesses")), None, self.witnesses), height=18), 4, self.witness_list, 4, self.witness_note

    def _add_foot(self) -> None:
        self.related = Button(tr("Find related"), icon_name="search", on_click=self._find_related)
        self.copy = Button(tr("Copy proof"), icon_name="copy", on_click=self.copy_proof)
        for button in (self.related, self.copy):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        lane = self.layout()
        if lane is not None:
            lane.addWidget(rule())
            lane.addWidget(holder(row((self.related, 1), (self.copy, 1), margins=(20, 12, 20, 16))))

    def _find_related(self) -> None:
        if self.details is not None:
            self.related_wanted.emit(self.details.row.correlation_id)

    # -- showing

    def _show(self, details: AuditDetails) -> None:
        self.details = details
        self.failure.hide()
        self.content.show()
        found = details.row
        self.show_titles(event_title(found.action))
        self.action.show_state(found.action)
        tone = OUTCOMES.get(found.outcome, ("", "none"))[1]
        self.outcome.show_state(found.outcome, "ok" if tone == "none" else tone)
        self.facts.set_facts(_facts(found))
        lines = diff_lines(found.before, found.after)
        self.diff.show_lines(lines)
        self.diff_part.setVisible(bool(lines))
        self.writer.setText(found.writer)
        self.chain.show_rows([one for one in details.neighbours if one is not None], here=found.id)
        self._show_seal(details.seal, placed=found.position is not None)
        for button in (self.related, self.copy):
            button.setEnabled(True)
        if self._follow:
            self._follow = False
            self.located.emit(found)

    def _show_seal(self, seal: SealFacts | None, *, placed: bool) -> None:
        self.seal_box.setVisible(seal is not None)
        if seal is None:
            # a position is only ever given together with a seal
            self.seal_icon.set_icon("shield-x" if placed else "loader", "bad" if placed else "accent")
            self.seal_state.setText(tr("its seal is missing") if placed else tr("being sealed"))
            self.seal_state.set_tone("bad" if placed else "info")
            return
        self.seal_icon.set_icon("badge-check", "ok")
        self.seal_state.setText(tr("sealed in {span}", span=duration(max(0.0, seal.lag_s))))
        self.seal_state.set_tone("ok")
        root = f"{seal.root[:4]} … {seal.root[-4:]}"
        hashes = tr("1 hash") if len(seal.proof) == 1 else tr("{n} hashes", n=number(len(seal.proof)))
        proof = tr("{hashes} to root {root}", hashes=hashes, root=root) if seal.proof else tr("alone under root {root}", root=root)
        batch = tr("{id} · {n} of {all}", id=number(seal.seal_id), n=number(seal.index + 1), all=number(seal.size))
        self.seal.set_facts(
            [
                Fact(tr("Position"), number(seal.position), mono=True),
                Fact(tr("Batch"), batch, mono=True),
                Fact(tr("Proof"), proof, mono=True),
                Fact(tr("Signed by"), seal.key_id, mono=True),
            ]
        )

    def _fail(self, error: LecternError) -> None:
        if self.details is not None and self.details.row.id == self.event_id:
            return
        self.details = None
        self.show_titles(tr("Event"))
        self.content.hide()
        self.failure.show_error(error)
        self.failure.show()
        for button in (self.related, self.copy):
            button.setEnabled(False)


def _facts(found: AuditRow) -> list[Fact]:
    local = found.at.astimezone()
    moment = f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local.tzname() or ''}".strip()
    return [
        Fact(tr("When"), moment, mono=True),
        Fact(tr("Actor"), tr("{name}, {role}", name=found.actor, role=found.role)),
        Fact(tr("Target"), found.target, mono=True),
        Fact(tr("Reason"), found.reason or tr("none given")),
        Fact(tr("Workstation"), tr("{name} · Lectern {version}", name=found.workstation, version=found.client_version)),
        Fact(tr("Correlation"), found.correlation_id, mono=True),
    ]


def _ghost(icon_name: str, name: str, run: Callable[[], object]) -> Button:
    return Button("", "ghost", icon_name=icon_name, name=name, on_click=run)
