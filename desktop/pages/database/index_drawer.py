"""One index or one that is missing: definition, facts, the proof, and the statement that carries out the advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import byte_size, date_time, number, tr
from desktop.pages.database import index_lines as lines
from desktop.pages.database.index_cells import verdict_pill
from desktop.pages.database.index_dialog import CREATE, DROP, REBUILD, Order
from desktop.pages.database.index_proof import ProofPanel
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.code_box import CodeBox
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, PlainLabel, over
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.indexes.records import IndexRow, Proof
    from desktop.pages.database.index_lines import Line, Reading

WIDTH: Final = 368
_PERCENT: Final = 100


class IndexDrawer(Drawer):
    """``step_wanted`` asks for the line before or after, ``proof_wanted`` to try, ``ordered`` carries an ``Order``."""

    step_wanted = Signal(int)
    proof_wanted = Signal(object)
    ordered = Signal(object)
    copied = Signal()

    def __init__(self) -> None:
        super().__init__(width=WIDTH)
        self.line: Line | None = None
        self.proven: Proof | None = None
        """Of the line that is explained; None while nothing was tried."""
        self.sql = ""
        self.pill = VerdictPill()
        self.name = ElidedLabel(weight=600, mono=True)
        self.reason = PlainLabel("", "small", wrap=True)
        self.definition = CodeBox(name=tr("Definition"))
        self.facts = KeyValues(name_width=84)
        self.change = PlainLabel("", "smalltext", tone="warn", wrap=True)
        self.prove = Button(tr("Try it"), icon_name="play", on_click=lambda: self.proof_wanted.emit(self.line))
        self.proof = ProofPanel()
        self.statement = CodeBox(name=tr("Statement"))
        self.copy = Button(tr("Copy as SQL"), "primary", icon_name="copy", on_click=self._copy)
        self.act = Button(tr("Drop as a job…"), icon_name="trash-2", on_click=self._order)
        self.rebuild = Button(tr("Rebuild…"), icon_name="refresh-cw", on_click=self._rebuild)
        self.title.hide()
        self.subtitle.hide()
        self.tools.addWidget(self.pill)
        self.tools.addStretch(1)
        self.tools.addWidget(self._step("chevron-up", tr("Index before"), -1))
        self.tools.addWidget(self._step("chevron-down", tr("Next index"), 1))
        self._fill()

    def show_line(self, line: Line, reading: Reading, *, may_prove: bool, may_change: bool) -> None:
        """Explain ``line``; a proof of another line is taken away."""
        if self.line is None or self.line.key != line.key:
            self.proof.hide()
            self.proven = None
        self.line = line
        self.show_titles(line.name)
        self.pill.show_line(line)
        self.name.setText(line.name)
        self.reason.setText(line.reason)
        self.sql = statement_of(line)
        self._show_codes(line)
        self.facts.set_facts(_facts(line, reading))
        self.change.setText(_change_words(line, reading))
        self.change.setVisible(bool(self.change.text()))
        self.prove.setVisible(may_prove and provable(line))
        self._show_actions(line, may_change=may_change)

    def show_proof(self, line: Line, proof: Proof) -> None:
        """Show what came of trying, if ``line`` is still the one that is explained."""
        self.prove.setEnabled(True)
        if self.line is not None and self.line.key == line.key:
            self.proven = proof
            self.proof.show_proof(proof)

    def _show_codes(self, line: Line) -> None:
        code = line.row.definition if line.row is not None else ""
        self.definition.show_code(_folded(code))
        self._over_definition.setVisible(bool(code))
        self.definition.setVisible(bool(code))
        self.statement.show_code(self.sql)
        self._over_statement.setVisible(bool(self.sql))
        self.statement.setVisible(bool(self.sql))

    def _show_actions(self, line: Line, *, may_change: bool) -> None:
        makes = line.row is None
        self.copy.setVisible(bool(self.sql or line.row))
        self.act.set_caption(tr("Make as a job…") if makes else tr("Drop as a job…"))
        self.act.set_icon("circle-plus" if makes else "trash-2")
        self.act.setVisible(may_change and bool(self.sql))
        self.rebuild.setVisible(may_change and line.row is not None and not line.row.valid)

    def _fill(self) -> None:
        self._over_definition, self._over_statement = over(tr("Definition")), over(tr("Statement"))
        self.body.addLayout(column(self.name, self.reason, gap=4))
        for part in (self._over_definition, self.definition, self.facts, self.change):
            self.body.addWidget(part)
        self.body.addLayout(row(self.prove, None))
        self.body.addWidget(self.proof)
        self.body.addWidget(self._over_statement)
        self.body.addWidget(self.statement)
        self.body.addStretch(1)
        self.body.addWidget(holder(row(self.copy, self.act, self.rebuild, None)))

    def _step(self, icon_name: str, name: str, by: int) -> Button:
        return Button("", "ghost", icon_name=icon_name, name=name, on_click=lambda: self.step_wanted.emit(by))

    def _copy(self) -> None:
        if self.line is not None:
            definition = self.line.row.definition + ";" if self.line.row is not None else ""
            QGuiApplication.clipboard().setText((self.sql or definition) + "\n")
            self.copied.emit()

    def _order(self) -> None:
        if self.line is None:
            return
        if self.line.row is None:
            self.ordered.emit(Order(CREATE, self.line.name, self.sql, self.sql))
        else:
            name = self.line.row.name
            self.ordered.emit(Order(DROP, name, name, self.sql))

    def _rebuild(self) -> None:
        if self.line is not None and self.line.row is not None:
            name = self.line.row.name
            self.ordered.emit(Order(REBUILD, name, name, self.line.row.definition + ";"))


class VerdictPill(QWidget):
    """The verdict as the table draws it."""

    def __init__(self) -> None:
        super().__init__()
        self._line: Line | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(20, paint.UNKNOWN_HEIGHT)

    def show_line(self, line: Line) -> None:
        """Show the verdict of ``line``."""
        self._line = line
        self.setAccessibleName(lines.verdict_words(line.verdict))
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of the wider of the two looks."""
        words = lines.verdict_words(self._line.verdict) if self._line is not None else ""
        return QSize(round(paint.pill_width(words, icon_name="check")) + 4, paint.UNKNOWN_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        if self._line is not None:
            painter = QPainter(self)
            paint.begin(painter)
            verdict_pill(painter, 0, QRectF(self.rect()).center().y(), self._line)


def statement_of(line: Line) -> str:
    """Return the statement that carries out the advice; empty where there is nothing to do."""
    source = line.row or line.missing
    return source.sql if source is not None else ""


def provable(line: Line) -> bool:
    """Return whether trying would say something: an index that may go, or one that may be made."""
    if line.row is not None:
        return line.row.valid and not line.row.enforces
    return line.missing is not None and bool(line.missing.sql)


def _facts(line: Line, reading: Reading) -> list[Fact]:
    if line.row is not None:
        return _row_facts(line.row, line, reading)
    facts = []
    if line.missing is not None:
        facts = [Fact(tr("Table"), line.table, mono=True), Fact(tr("Rows"), number(line.missing.rows))]
        facts.append(Fact(tr("Read whole"), tr("{n} times", n=number(line.missing.sequential_scans))))
        if line.missing.constraint:
            facts.append(Fact(tr("Foreign key"), line.missing.constraint, mono=True))
    if line.declared is not None:
        facts += [Fact(tr("Promised"), tr("as number {n}", n=line.declared.number)), Fact(tr("For"), line.declared.purpose)]
    return facts


def _row_facts(one: IndexRow, line: Line, reading: Reading) -> list[Fact]:
    total = reading.view.total_bytes or 1
    share = number(_PERCENT * one.size_bytes / total, decimals=1)
    evidence = reading.view.evidence
    used = tr("never seen") if one.last_used_at is None else date_time(one.last_used_at)
    declared = tr("by the schema") if one.declared else tr("no")
    facts = [
        Fact(tr("Size"), tr("{size}, {n}\u202f% of all indexes", size=byte_size(one.size_bytes), n=share)),
        Fact(tr("Scans"), tr("{n} in {span}", n=lines.scans_words(line), span=lines.span_words(evidence))),
        Fact(tr("Last used"), used),
        Fact(tr("Constraint"), one.enforces or tr("enforces nothing")),
        Fact(tr("Declared"), declared),
        Fact(tr("Replicas"), tr("attached: their use is not seen here") if evidence.replicas else tr("none attached")),
    ]
    if one.covers:
        facts.append(Fact(tr("Covered by"), one.covers, mono=True))
    if one.locked:
        facts.append(Fact(tr("Locked"), tr("somebody holds its table"), tone="warn"))
    if line.declared is not None:
        facts.append(Fact(tr("For"), line.declared.purpose))
    return facts


def _change_words(line: Line, reading: Reading) -> str:
    name = line.row.name if line.row is not None else ""
    change = next((one for one in reading.changes if one.index == name and name), None)
    if change is None or change.status == "DONE":
        return ""
    if change.status == "FAILED":
        return tr("The last change failed, {when}: {why}", when=date_time(change.finished_at or change.created_at), why=change.error or "")
    return tr("A job is about to change it, asked for by {name}, {when}.", name=change.created_by, when=date_time(change.created_at))


def _folded(definition: str) -> str:
    folded = definition
    for word in (" ON ", " USING ", " INCLUDE ", " WHERE "):
        folded = folded.replace(word, f"\n  {word.strip()} ", 1)
    return folded
