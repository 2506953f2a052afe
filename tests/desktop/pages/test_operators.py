"""The Operators page over a real backend: who is there, what an administrator changes, what an auditor only sees."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QDate
from PySide6.QtWidgets import QPushButton

from backend_core.backend import Backend
from backend_core.policy import AUDITOR, Actor
from desktop.pages.operators import dialogs
from desktop.pages.operators.details import one_time_password, review_csv
from desktop.pages.operators.page import OperatorsPage
from tests.desktop.conftest import Desk

Wait = Callable[..., None]
Show = Callable[[Actor], OperatorsPage]
PASSWORD = "a long enough secret"


@pytest.fixture
def boss(actor: Actor) -> Actor:
    """The administrator, who may also do what asks for a reason."""
    return replace(actor, reason="As agreed.")


@pytest.fixture
def desk(page_context: Callable[..., Desk], backend: Backend, boss: Actor) -> Desk:
    return page_context(backend, actor=boss)


@pytest.fixture
def page(desk: Desk, wait_until: Wait) -> OperatorsPage:
    return shown(desk, wait_until)


def shown(desk: Desk, wait_until: Wait) -> OperatorsPage:
    page = OperatorsPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 800)
    page.resize(1228, 800)
    page.show()
    desk.window.show()
    wait_until(lambda: page.loaded, timeout=15)
    return page


def names(page: OperatorsPage) -> list[str]:
    return [line.operator.name for line in page.table.rows]


def button(page: OperatorsPage, caption: str) -> QPushButton:
    return next(one for one in page.drawer.findChildren(QPushButton) if one.text().strip() == caption)


def quiet(page: OperatorsPage, wait_until: Wait) -> None:
    wait_until(lambda: not page.context.background.pending, timeout=15)


def test_a_new_operator_appears_and_the_password_is_shown_once(page: OperatorsPage, backend: Backend, wait_until: Wait) -> None:
    page.add.click()
    form = page.dialog
    assert isinstance(form, dialogs.AddOperatorDialog)
    assert not form.go.isEnabled()
    form.name.setText("Ana Silva")
    form.email.setText("ana@example.org")
    form.role.choose("auditor")
    form.go.click()
    wait_until(lambda: "Ana Silva" in names(page), timeout=15)
    once = page.dialog
    assert once is not None
    password = next(label.text() for label in once.findChildren(type(page.drawer.about)) if label.accessibleName() == "Password")
    assert backend.access.sign_in("Ana Silva", password).must_change
    once.close()


def test_the_details_change_role_password_and_state(page: OperatorsPage, backend: Backend, boss: Actor, wait_until: Wait) -> None:
    ana = backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=boss)
    page.refresh()
    wait_until(lambda: "Ana Silva" in names(page), timeout=15)
    page.table.select_key(ana.id)
    assert page.drawer.isVisible()
    assert page.drawer.role.text() == "Support"
    button(page, "Role…").click()
    assert isinstance(page.dialog, dialogs.RoleDialog)
    page.dialog.role.choose("admin")
    page.dialog.role.picked.emit("admin")
    page.dialog.go.click()
    wait_until(lambda: page.drawer.role.text() == "Administrator", timeout=15)
    button(page, "Disable…").click()
    assert isinstance(page.dialog, dialogs.DisableDialog)
    page.dialog.go.click()
    wait_until(lambda: page.drawer.state.text() == "Disabled", timeout=15)
    assert button(page, "Disable…").isHidden()
    button(page, "Enable").click()
    wait_until(lambda: page.drawer.state.text() == "Active", timeout=15)


def test_documents_are_handed_over_when_somebody_leaves(
    page: OperatorsPage, desk: Desk, backend: Backend, boss: Actor, make_document: Callable[..., int], wait_until: Wait
) -> None:
    document_id = make_document()
    ana = backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=boss)
    page.refresh()
    wait_until(lambda: "Ana Silva" in names(page), timeout=15)
    page.table.select_key(ana.id)
    assert boss.operator_id is not None
    backend.access.hand_over(boss.operator_id, ana.id, actor=boss)
    button(page, "Hand over…").click()
    assert isinstance(page.dialog, dialogs.HandOverDialog)
    page.dialog.go.click()
    wait_until(lambda: desk.notified != [], timeout=15)
    assert desk.notified == [("1 documents of Ana Silva have a new owner.", "ok")]
    assert backend.documents.get(document_id, actor=boss).owner_id == boss.operator_id


def test_a_session_is_ended_from_the_details(page: OperatorsPage, backend: Backend, boss: Actor, wait_until: Wait) -> None:
    ana = backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=boss)
    backend.access.sign_in("Ana Silva", PASSWORD)
    page.refresh()
    wait_until(lambda: "Ana Silva" in names(page), timeout=15)
    page.table.select_key(ana.id)
    wait_until(lambda: len(page.table.current().sessions) == 1, timeout=15)
    button(page, "End").click()
    wait_until(lambda: page.table.current().sessions == (), timeout=15)


def test_an_auditor_reads_and_changes_nothing(page_context: Callable[..., Desk], backend: Backend, boss: Actor, wait_until: Wait) -> None:
    page = shown(page_context(backend, actor=replace(boss, role=AUDITOR)), wait_until)
    assert not page.add.isEnabled()
    page.table.selectRow(0)
    assert page.drawer.isVisible()
    assert not page.drawer.changes.isVisible()


def test_the_review_lists_rights_searches_and_exports(
    page: OperatorsPage, desk: Desk, backend: Backend, boss: Actor, tmp_path: Path, wait_until: Wait
) -> None:
    backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=boss)
    page.tabs.choose("review")
    wait_until(lambda: len(page.review.table.rows) > 0, timeout=15)
    quiet(page, wait_until)
    page.review.search.setText("ana audit")
    page.review.search.searched.emit("ana audit")
    assert page.review.table.rows == []
    page.export_to(tmp_path / "review.csv")
    wait_until(lambda: desk.notified != [], timeout=15)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "review.csv").read_text(encoding="utf-8"))))
    assert {row["operator"] for row in rows} >= {"Ana Silva", boss.name}
    assert {row["whose"] for row in rows if row["operator"] == "Ana Silva" and row["action"] == "document.delete"} == {"own"}
    page.review.day.setDate(QDate.currentDate().addDays(-2))
    wait_until(lambda: page.review.table.rows == [] and not page.context.background.pending, timeout=15)
    assert page.review.rows == (), "nobody was an operator then"


def test_a_name_in_the_export_starts_no_formula(backend: Backend, boss: Actor) -> None:
    rows = backend.access.review(actor=boss)
    text = review_csv([replace(rows[0], name="=1+1")], as_of=None)
    assert '"\'=1+1"' in text


def test_every_password_is_another_one() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 23 for one in made)
