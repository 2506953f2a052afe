"""Documents: import, list, rename, delete and restore, as people do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.service import clean_title
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion, TooLarge, UnreadableFile, UnsupportedFile
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.lectern import SAMPLES, MakeDocument, add_documents

LISTS: dict[str, Callable[[Backend, Actor, int], int]] = {
    "documents": lambda backend, actor, _: len(backend.documents.listing(actor=actor, limit=500).rows),
    "pages": lambda backend, actor, document_id: len(backend.documents.pages(document_id, actor=actor)),
    "audio": lambda backend, actor, document_id: len(backend.audios.listing(document_id, actor=actor)),
    "jobs": lambda backend, actor, _: len(backend.jobs.listing(actor=actor, limit=500)),
    "jobs of a document": lambda backend, actor, document_id: len(backend.jobs.listing(actor=actor, document_id=document_id, limit=500)),
    "audit": lambda backend, actor, _: len(backend.audit.latest(actor=actor, limit=500)),
}


def counting(backend: Backend) -> list[str]:
    statements: list[str] = []

    @sa.event.listens_for(backend.database.engine, "before_cursor_execute")
    def note(conn: object, cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    return statements


def naive_listing(backend: Backend, limit: int) -> int:
    """Load a list the way the original did: one query for the documents, then two for each; return the statements sent."""
    statements = counting(backend)
    with backend.database.begin("Naive") as conn:
        for document_id in conn.execute(sa.select(documents.c.id).limit(limit)).scalars().all():
            conn.execute(sa.select(document_pages.c.id).where(document_pages.c.document_id == document_id)).all()
            conn.execute(sa.select(audios.c.id).where(audios.c.document_id == document_id)).all()
    return sum(statement.lstrip().startswith("SELECT") for statement in statements)


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir() if path.suffix in {".pdf", ".docx", ".md", ".txt"}))
def test_every_bundled_sample_becomes_pages(backend: Backend, actor: Actor, run_jobs: Callable[[], None], sample: str) -> None:
    imported = backend.documents.import_file(SAMPLES / sample, actor=actor)
    assert imported.document.status == "PENDING"
    run_jobs()
    row = backend.documents.get(imported.document.id, actor=actor)
    assert (row.status, row.error) == ("COMPLETED", None)
    pages = backend.documents.pages(row.id, actor=actor)
    assert [page.number for page in pages] == list(range(1, row.page_count + 1))
    assert sum(page.characters for page in pages) == row.characters > 0


@pytest.mark.trace("A7", "A28")
@pytest.mark.parametrize("count", [10, 100, 1000])
def test_the_list_takes_three_statements_at_any_size(backend: Backend, actor: Actor, count: int) -> None:
    add_documents(backend, actor, count)
    statements = counting(backend)
    page = backend.documents.listing(actor=actor, limit=100)
    assert len(page.rows) == min(100, count)
    assert page.total == count
    assert page.rows[0].audio.seconds == 1.5
    assert sum(statement.lstrip().startswith("SELECT") for statement in statements) == 3


@pytest.mark.trace("A11", "A27")
def test_the_list_takes_hardly_any_of_the_statements_of_the_naive_loader(backend: Backend, actor: Actor) -> None:
    add_documents(backend, actor, 100)
    naive = naive_listing(backend, 100)
    statements = counting(backend)
    assert len(backend.documents.listing(actor=actor, limit=100).rows) == 100
    ours = sum(statement.lstrip().startswith("SELECT") for statement in statements)
    print(f"100 documents: {naive} statements naively, {ours} by the list, {1 - ours / naive:.1%} fewer")
    assert naive == 201
    assert 1 - ours / naive >= 0.98


@pytest.mark.trace("A92")
def test_every_list_takes_as_many_statements_for_many_rows_as_for_few(
    backend: Backend, actor: Actor, make_document: MakeDocument, tmp_path: Path
) -> None:
    statements = counting(backend)
    path = tmp_path / "tiny.txt"
    path.write_text("Tiny.", encoding="utf-8")

    def read(document_id: int) -> dict[str, tuple[int, int]]:
        taken = {}
        for name, look in LISTS.items():
            before = len(statements)
            taken[name] = (look(backend, actor, document_id), len(statements) - before)
        return taken

    def make(pages: int) -> int:
        document_id = make_document(*(f"Page {number}." for number in range(1, pages + 1)))
        backend.audios.generate(document_id, actor=actor)
        for _ in range(pages):
            backend.documents.import_file(path, actor=actor)
        return document_id

    few, many = read(make(3)), read(make(40))
    for name, (rows, taken) in many.items():
        assert rows >= few[name][0] + 30, name
        assert taken == few[name][1] <= 3, name


def test_slices_follow_one_another_without_gap_or_repeat(backend: Backend, actor: Actor) -> None:
    add_documents(backend, actor, 25)
    seen: list[int] = []
    after = None
    while True:
        page = backend.documents.listing(actor=actor, limit=10, after=after)
        seen += [row.id for row in page.rows]
        after = page.next_cursor
        if after is None:
            break
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 25


def test_search_finds_every_word_and_takes_wildcards_literally(backend: Backend, actor: Actor) -> None:
    add_documents(backend, actor, 12)
    assert [row.title for row in backend.documents.listing(actor=actor, search="document 11").rows] == ["Document 11"]
    assert backend.documents.listing(actor=actor, search="%").total == 0
    assert backend.documents.listing(actor=actor, search="'; DROP TABLE documents; --").total == 0


def test_a_file_that_cannot_be_used_is_refused_with_one_sentence(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    empty, strange = tmp_path / "empty.pdf", tmp_path / "photo.jpg"
    empty.touch()
    strange.write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
    for path, error in (
        (empty, UnreadableFile),
        (strange, UnsupportedFile),
        (tmp_path / "none.pdf", UnreadableFile),
        (tmp_path, UnreadableFile),
    ):
        with pytest.raises(error) as caught:
            backend.documents.import_file(path, actor=actor)
        assert str(tmp_path) not in str(caught.value)
    assert backend.documents.listing(actor=actor).total == 0
    assert backend.storage.orphans() == ((), ())


def test_a_file_over_the_limit_is_refused_before_it_is_stored(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    big = tmp_path / "big.txt"
    with big.open("wb") as file:
        file.truncate(backend.settings.max_file_bytes + 1)
    with pytest.raises(TooLarge):
        backend.documents.import_file(big, actor=actor)
    assert list(backend.storage.store.keys()) == []


@pytest.mark.logs("job failed")
def test_a_damaged_file_fails_with_its_reason_and_can_be_retried(
    backend: Backend, actor: Actor, run_jobs: Callable[[], None], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\n" + bytes(200))
    document = backend.documents.import_file(broken, actor=actor).document
    run_jobs()
    row = backend.documents.get(document.id, actor=actor)
    assert row.status == "FAILED"
    assert row.error
    assert row.error_code == "unreadable_file"
    job = backend.jobs.listing(actor=actor, document_id=document.id)[0]
    assert (job.state, job.error, job.correlation_id) == ("failed", row.error, row.correlation_id)
    backend.documents.retry(document.id, actor=actor)
    assert backend.documents.get(document.id, actor=actor).status == "PENDING"
    with pytest.raises(Conflict):
        backend.documents.retry(document.id, actor=actor)


def test_renaming_needs_the_version_that_was_read(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    version = backend.documents.get(document_id, actor=actor).version
    renamed = backend.documents.rename(document_id, "  New \n title ", actor=actor, version=version)
    assert renamed.title == "New title"
    with pytest.raises(StaleVersion):
        backend.documents.rename(document_id, "Another", actor=actor, version=version)
    assert backend.documents.get(document_id, actor=actor).title == "New title"


@pytest.mark.parametrize("title", ["", " \n\t ", "\u202e\u200b", "x" * 256])
def test_a_title_needs_between_1_and_255_visible_characters(title: str) -> None:
    with pytest.raises(InvalidInput):
        clean_title(title)


def test_deleting_needs_the_title_and_can_be_undone(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document(title="Keep me")
    with pytest.raises(InvalidInput):
        backend.documents.delete(document_id, actor=actor, typed_title="keep me")
    backend.documents.delete(document_id, actor=actor, typed_title="Keep me")
    with pytest.raises(NotFound):
        backend.documents.get(document_id, actor=actor)
    assert backend.documents.listing(actor=actor).total == 0
    assert backend.documents.restore(document_id, actor=actor).title == "Keep me"
    assert len(backend.documents.pages(document_id, actor=actor)) == 1


def test_purging_removes_pages_audio_and_files_for_good(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: Callable[[], None]
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    assert len(list(backend.storage.store.keys())) == 2
    backend.documents.delete(document_id, actor=actor, typed_title="Sample")
    assert backend.documents.purge(older_than_s=3600) == 0
    assert backend.documents.purge(older_than_s=0) == 1
    backend.storage.sweep(older_than_s=0)
    assert list(backend.storage.store.keys()) == []
    with pytest.raises(NotFound):
        backend.documents.restore(document_id, actor=actor)


def test_roles_and_ownership_are_checked_by_the_service(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    other = Actor(operator_id=10**9, name="Other", role=SUPPORT, workstation="ws")
    auditor = Actor(operator_id=10**9, name="Auditor", role=AUDITOR, workstation="ws")
    with pytest.raises(NotAllowed):
        backend.documents.delete(document_id, actor=other, typed_title="Sample")
    with pytest.raises(NotAllowed):
        backend.audios.generate(document_id, actor=auditor)
    assert backend.documents.get(document_id, actor=auditor).title == "Sample"


@pytest.mark.trace("A76")
def test_hostile_text_is_stored_and_returned_as_it_is(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    hostile = "Robert'); DROP TABLE documents;-- <script>alert(1)</script> {{7*7}} %s %(x)s ${x} \\x00"
    document_id = make_document(hostile, title="O'Brien \"; DELETE FROM audios")
    assert backend.documents.page(document_id, 1, actor=actor).text == hostile
    assert backend.documents.listing(actor=actor, search="O'Brien \"").total == 1


def test_every_change_leaves_one_audit_row(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    version = backend.documents.get(document_id, actor=actor).version
    backend.documents.rename(document_id, "Renamed", actor=actor, version=version)
    rows = backend.audit.latest(actor=actor)
    assert [row.action for row in rows[:3]] == ["document.rename", "document.extract", "document.import"]
    assert (rows[0].before, rows[0].after) == ({"title": "Sample"}, {"title": "Renamed"})
    assert rows[1].correlation_id == rows[2].correlation_id


def test_without_the_right_to_record_nothing_is_changed(
    backend: Backend, actor: Actor, make_document: MakeDocument, clean: EmbeddedServer
) -> None:
    document_id = make_document()
    version = backend.documents.get(document_id, actor=actor).version
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        admin.execute("REVOKE INSERT ON audit_event FROM lectern_app")
        try:
            with pytest.raises(NotAllowed):
                backend.documents.rename(document_id, "Renamed", actor=actor, version=version)
        finally:
            admin.execute("GRANT INSERT ON audit_event TO lectern_app")
    assert backend.documents.get(document_id, actor=actor).title == "Sample"
