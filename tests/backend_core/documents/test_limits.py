"""Limits of the house: audio switched off, audios a page may ever have, imports within an hour."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend_core.access.tables import operators
from backend_core.backend import Backend, open_backend
from backend_core.documents.tables import audios, documents
from backend_core.errors import NotAllowed, QuotaUsed, TooManyImports, VoiceInUse
from backend_core.policy import SUPPORT, Actor
from backend_core.settings import Settings
from tests.lectern import MakeDocument

VOICES = ("local:en-gb", "local:en-us", "local:de", "local:fr-fr", "local:es", "local:it")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"document-{number}.txt" for number in range(12)]
    for path in made:
        path.write_text(f"The text of {path.name}.", encoding="utf-8")
    return made


def house(backend: Backend, actor: Actor, **changes: bool | int) -> None:
    backend.house.update(changes, version=backend.house.read(actor).version, actor=actor)


def test_nobody_makes_audio_while_it_is_switched_off(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    house(backend, actor, generation_enabled=False)
    with pytest.raises(NotAllowed, match="switched off in the house settings"):
        backend.audios.generate(document_id, actor=actor)
    assert backend.jobs.open_count() == 0
    house(backend, actor, generation_enabled=True)
    assert len(backend.audios.generate(document_id, actor=actor).queued) == 1


def test_retrying_failed_audio_is_making_audio_too(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    audio_id = backend.audios.generate(make_document(), actor=actor).queued[0].id
    with backend.database.begin("Fail") as conn:
        conn.execute(sa.update(audios).values(status="FAILED"))
    house(backend, actor, generation_enabled=False)
    with pytest.raises(NotAllowed, match="switched off"):
        backend.audios.requeue(audio_id, actor=actor)
    house(backend, actor, generation_enabled=True)
    assert backend.audios.requeue(audio_id, actor=actor)


@pytest.mark.parametrize("lifetime", ["ACTIVE", "DELETED", "EXPIRED"])
def test_a_page_gets_as_many_audios_as_allowed_whatever_became_of_them(
    backend: Backend, actor: Actor, make_document: MakeDocument, lifetime: str
) -> None:
    document_id = make_document()
    for used, voice in enumerate(VOICES[:4]):
        assert backend.audios.quota(document_id, 1, actor=actor).used == used
        backend.audios.generate(document_id, actor=actor, voice=voice)
        with backend.database.begin("Change") as conn:
            conn.execute(sa.update(audios).values(lifetime=lifetime))
    shown = backend.audios.quota(document_id, 1, actor=actor)
    assert (shown.used, shown.most) == (4, 4)
    with pytest.raises(QuotaUsed, match="Page 1 has had 4 audios, deleted ones included"):
        backend.audios.generate(document_id, actor=actor, voice=VOICES[4])
    house(backend, actor, max_audios_per_page=5)
    assert len(backend.audios.generate(document_id, actor=actor, voice=VOICES[4]).queued) == 1


def test_failed_audio_made_again_does_not_count_and_existing_audio_is_still_named(
    backend: Backend, actor: Actor, make_document: MakeDocument
) -> None:
    document_id = make_document()
    house(backend, actor, max_audios_per_page=1)
    audio_id = backend.audios.generate(document_id, actor=actor, voice=VOICES[0]).queued[0].id
    with pytest.raises(VoiceInUse):
        backend.audios.generate(document_id, actor=actor, voice=VOICES[0])
    with backend.database.begin("Fail") as conn:
        conn.execute(sa.update(audios).values(status="FAILED"))
    assert backend.audios.generate(document_id, actor=actor, voice=VOICES[0]).queued[0].id == audio_id
    assert backend.audios.quota(document_id, 1, actor=actor).used == 1


def test_pages_without_room_are_counted_and_the_others_are_spoken(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document("One page.", "Another page.", "A third page.")
    house(backend, actor, max_audios_per_page=1)
    backend.audios.generate(document_id, actor=actor, voice=VOICES[0], pages=[2])
    made = backend.audios.generate(document_id, actor=actor, voice=VOICES[1])
    assert ([row.page for row in made.queued], made.full) == ([1, 3], 1)


def test_the_last_place_of_a_page_goes_to_one_of_twenty(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    house(backend, actor, max_audios_per_page=2)
    start = threading.Barrier(len(VOICES))

    def ask(voice: str) -> int:
        start.wait()
        try:
            return len(backend.audios.generate(document_id, actor=actor, voice=voice).queued)
        except QuotaUsed:
            return 0

    with ThreadPoolExecutor(len(VOICES)) as pool:
        assert sum(pool.map(ask, VOICES)) == 2
    assert backend.audios.quota(document_id, 1, actor=actor).used == 2


@pytest.mark.trace("A73")
def test_the_eleventh_import_within_an_hour_is_refused_with_the_wait_whichever_computer_it_comes_from(
    backend: Backend, actor: Actor, settings: Settings, paths: list[Path]
) -> None:
    house(backend, actor, uploads_per_hour=10)
    with open_backend(settings) as elsewhere:
        for number, path in enumerate(paths[:10]):
            (elsewhere if number % 2 else backend).documents.import_file(path, actor=actor)
        age_oldest(backend, minutes=50)
        for computer in (backend, elsewhere):
            with pytest.raises(TooManyImports, match=r"imported 10 documents within an hour.*possible in 10 minutes\.") as caught:
                computer.documents.import_file(paths[10], actor=actor)
            assert 590 <= caught.value.wait_s <= 600
        age_oldest(backend, minutes=60)
        assert elsewhere.documents.import_file(paths[10], actor=actor).job_id


def age_oldest(backend: Backend, *, minutes: int) -> None:
    age = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, minutes)
    oldest = sa.select(sa.func.min(documents.c.id)).scalar_subquery()
    with backend.database.begin("Let time pass") as conn:
        conn.execute(sa.update(documents).where(documents.c.id == oldest).values(created_at=age))


@pytest.mark.trace("A73")
def test_two_computers_that_import_at_once_share_the_last_place(
    backend: Backend, actor: Actor, settings: Settings, paths: list[Path]
) -> None:
    house(backend, actor, uploads_per_hour=5)
    start = threading.Barrier(len(paths))
    with open_backend(settings, application="desktop") as elsewhere:

        def bring(number: int) -> bool:
            start.wait()
            try:
                (elsewhere if number % 2 else backend).documents.import_file(paths[number], actor=actor)
            except TooManyImports:
                return False
            return True

        with ThreadPoolExecutor(len(paths)) as pool:
            assert sum(pool.map(bring, range(len(paths)))) == 5
    assert backend.documents.listing(actor=actor).total == 5


def test_deleting_a_document_makes_no_room_and_each_operator_has_a_count_of_their_own(
    backend: Backend, actor: Actor, paths: list[Path]
) -> None:
    house(backend, actor, uploads_per_hour=1)
    document = backend.documents.import_file(paths[0], actor=actor).document
    backend.documents.delete(document.id, actor=actor, typed_title=document.title)
    with pytest.raises(TooManyImports):
        backend.documents.import_file(paths[1], actor=actor)
    with backend.database.begin("Add") as conn:
        new = sa.insert(operators).values(name="Ana", os_user="ana", role=SUPPORT).returning(operators.c.id)
        ana = replace(actor, operator_id=conn.execute(new).scalar_one(), name="Ana", role=SUPPORT)
    assert backend.documents.import_file(paths[1], actor=ana).job_id


def test_without_a_limit_nothing_is_counted(backend: Backend, actor: Actor, paths: list[Path]) -> None:
    for path in paths:
        backend.documents.import_file(path, actor=actor)
    assert backend.documents.listing(actor=actor).total == len(paths)
