"""No page asks the database once per row: the same statements whether a list is short or long."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event

from backend_core.backend import Backend
from backend_core.policy import Actor, Target
from desktop.main_window import PAGES
from desktop.widgets.page import Page
from tests.desktop.conftest import Desk
from tests.lectern import add_documents

Wait = Callable[..., None]
FEW, MANY = 4, 60
# a hint about what was just inserted may make a page read again
READINGS = 3
# the values of an IN list: however many there are, it is one statement
_LIST = re.compile(r"\((?:%\(\w+\)s::\w+(?:, )?)+\)")


@pytest.fixture
def statements(backend: Backend) -> Iterator[Counter[str]]:
    """How often each statement text was sent since the last ``clear``."""
    seen: Counter[str] = Counter()

    def listen(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        seen[_LIST.sub("(...)", statement)] += 1

    event.listen(backend.database.engine, "before_cursor_execute", listen)
    yield seen
    event.remove(backend.database.engine, "before_cursor_execute", listen)


def fill(backend: Backend, actor: Actor, count: int) -> None:
    """Add ``count`` rows to every list that a page shows."""
    add_documents(backend, actor, count)
    for number in range(count):
        backend.access.ensure(f"Person {count}-{number}", role="support")
    with backend.database.begin("Audit rows") as conn:
        for number in range(count):
            backend.audit.record(conn, actor=actor, action="document.read", target=Target(kind="document", id=str(number)))


def reading(page: Page, statements: Counter[str], wait_until: Wait) -> Counter[str]:
    page.refresh()
    wait_until(lambda: not page.context.background.pending, timeout=15)
    statements.clear()
    page.refresh()
    wait_until(lambda: not page.context.background.pending, timeout=15)
    return Counter(statements)


@pytest.mark.trace("A92")
@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.key)
def test_a_page_sends_the_same_statements_for_few_rows_and_for_many(
    kind: type[Page],
    backend: Backend,
    actor: Actor,
    page_context: Callable[..., Desk],
    statements: Counter[str],
    wait_until: Wait,
) -> None:
    fill(backend, actor, FEW)
    desk = page_context(backend, actor=actor)
    page = kind(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1200, 800)
    page.resize(1200, 800)
    page.show()
    desk.window.show()
    wait_until(lambda: page.loaded, timeout=15)
    few = reading(page, statements, wait_until)
    fill(backend, actor, MANY)
    many = reading(page, statements, wait_until)
    assert max(many.values(), default=0) <= READINGS, many.most_common(3)
    assert set(many) <= set(few), "long lists need no statement that short ones do not"


def test_asking_once_per_row_would_be_noticed(backend: Backend, actor: Actor, statements: Counter[str]) -> None:
    add_documents(backend, actor, MANY)
    for row in backend.documents.listing(actor=actor).rows:
        backend.documents.get(row.id, actor=actor)
    assert max(statements.values()) >= MANY
