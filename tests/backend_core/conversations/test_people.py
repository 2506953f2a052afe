"""Contacts: found however they are meant, shown masked, revealed with a reason, and one person's page without a word of what was said."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Conflict, InvalidInput, LecternError, NotAllowed, NotFound, ReasonNeeded, StaleVersion
from backend_core.policy import AUDITOR, SUPPORT, Actor
from backend_core.scopes.records import Direct, Group
from tests.backend_core.conversations.conftest import ANA, BEN, CHI, DAY, Write, contact_id
from tests.lectern import MakeDocument


@pytest.fixture
def three(talk: Backend, actor: Actor) -> Backend:
    """Three contacts."""
    talk.people.add_contact("Ana Silva", phone=ANA, email="ana.silva@example.org", language="pt-BR", actor=actor)
    talk.people.add_contact("Ben O'Brien", phone=BEN, email="Ben@example.org", actor=actor)
    talk.people.add_contact("Chi Wong 100%", phone=CHI, actor=actor)
    return talk


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Ana Silva", "Ben O'Brien", "Chi Wong 100%"]),
        ("silva", ["Ana Silva"]),
        ("an sil", ["Ana Silva"]),
        ("o'b", ["Ben O'Brien"]),
        ("100%", ["Chi Wong 100%"]),
        ("%", ["Chi Wong 100%"]),
        ("_", []),
        ("+49 (0)151 12345678", ["Ana Silva"]),
        ("0015551234567", ["Ben O'Brien"]),
        ("4567", ["Ben O'Brien"]),
        ("0151 12345678", ["Ana Silva"]),
        ("567", []),
        ("ben@", ["Ben O'Brien"]),
        ("ANA.SILVA@example.org", ["Ana Silva"]),
        ("nobody", []),
    ],
)
def test_contacts_are_found_by_name_number_and_address(three: Backend, actor: Actor, query: str, names: list[str]) -> None:
    assert [one.name for one in three.people.contacts(query, actor=actor)] == names


def test_lists_come_in_parts_that_fit_together(three: Backend, actor: Actor) -> None:
    parts = [three.people.contacts(limit=2, offset=offset, actor=actor) for offset in (0, 2, 4)]
    assert [len(part) for part in parts] == [2, 1, 0]
    assert [one.name for part in parts for one in part] == ["Ana Silva", "Ben O'Brien", "Chi Wong 100%"]


def test_numbers_and_addresses_are_masked_wherever_a_contact_is_listed_or_opened(three: Backend, write: Write, actor: Actor) -> None:
    write("hello", guid="g")
    who = contact_id(three, ANA, actor)
    shown = [asdict(one) for one in three.people.contacts(actor=actor)] + [asdict(three.people.contact(who, actor=actor))]
    shown += [asdict(one) for one in three.conversations.listing(actor=actor)]
    assert "+49•••••5678" in str(shown)
    assert "a•••••@example.org" in str(shown)
    assert not any(secret in str(shown) for secret in (ANA, BEN, CHI, "ana.silva@", "1512345"))


def test_a_reveal_needs_a_reason_which_the_log_keeps_without_the_number(three: Backend, reader: Actor) -> None:
    who = contact_id(three, ANA, reader)
    with pytest.raises(ReasonNeeded):
        three.people.reveal(who, actor=replace(reader, reason=None))
    revealed = three.people.reveal(who, actor=replace(reader, reason="calls back"))
    assert (revealed.phone, revealed.email) == (ANA, "ana.silva@example.org")
    row = three.audit.latest(actor=reader, limit=1)[0]
    assert (row.action, row.target, row.reason) == ("contact.reveal", f"contact:{who}", "calls back")
    assert (row.before, row.after) == (None, None)


def test_the_log_never_learns_a_name_a_number_or_an_address(three: Backend, reader: Actor) -> None:
    who = contact_id(three, ANA, reader)
    changes = {"name": "Ana Costa", "phone": "+4915199999999", "email": "costa@example.org"}
    three.people.update_contact(who, changes, version=1, actor=reader)
    three.people.reveal(who, actor=reader)
    told = str(three.audit.latest(actor=reader, limit=500))
    assert "contact.edit" in told
    assert not any(word in told for word in ("Silva", "Costa", "example.org", "4915", "O'Brien", "1555"))


@pytest.mark.trace("B34")
def test_a_new_number_relabels_the_direct_containers_and_moves_no_word(talk: Backend, write: Write, reader: Actor) -> None:
    received = {persona: write(f"to {persona}", persona=persona) for persona in ("sage", "echo")}
    write("in the group", guid="g")
    write("of Ben", sender=BEN)
    before = {persona: talk.scopes.resolve(Direct(ANA, persona)) for persona in received}
    who = contact_id(talk, ANA, reader)
    talk.people.update_contact(who, {"phone": "0049 (0)160 5550000"}, version=1, actor=reader)
    for persona, one in received.items():
        after = talk.scopes.resolve(Direct("+491605550000", persona))
        assert after.tag == f"user_+491605550000_persona_{persona}"
        assert replace(after, tag=before[persona].tag) == before[persona]
        assert [line.text for line in talk.conversations.messages(one.conversation_id, actor=reader).rows] == [f"to {persona}"]
    with pytest.raises(NotFound):
        talk.scopes.resolve(Direct(ANA, "sage"))
    assert talk.scopes.resolve(Group("g")).tag == "group_g"
    assert talk.scopes.resolve(Direct(BEN, "sage")).tag == f"user_{BEN}_persona_sage"
    # whoever gets the old number is somebody else
    assert write("I am new here", sender=ANA).conversation_id not in {one.conversation_id for one in received.values()}


def test_two_contacts_never_share_a_number(three: Backend, actor: Actor) -> None:
    with pytest.raises(Conflict):
        three.people.add_contact("Copy", phone=ANA, actor=actor)
    with pytest.raises(Conflict):
        three.people.update_contact(contact_id(three, BEN, actor), {"phone": ANA}, version=1, actor=actor)


def test_of_many_who_add_one_number_at_once_one_succeeds(talk: Backend, actor: Actor) -> None:
    def add(number: int) -> bool:
        try:
            talk.people.add_contact(f"Ana {number}", phone=ANA, actor=actor)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(8))) == 1
    assert len(talk.people.contacts(actor=actor)) == 1


def test_of_two_changes_of_one_version_one_wins(three: Backend, actor: Actor) -> None:
    who = contact_id(three, ANA, actor)

    def rename(name: str) -> bool:
        try:
            three.people.update_contact(who, {"name": name}, version=1, actor=actor)
        except StaleVersion:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(rename, [f"Ana {number}" for number in range(8)])) == 1
    assert three.people.contact(who, actor=actor).contact.version == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"phone": None}, InvalidInput),
        ({"phone": "0151"}, InvalidInput),
        ({"name": " "}, InvalidInput),
        ({"name": "a\nb\x07"}, InvalidInput),
        ({"email": "nobody"}, InvalidInput),
        ({"language": "german"}, InvalidInput),
        ({"tag": "x"}, InvalidInput),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    three: Backend, write: Write, actor: Actor, changes: dict[str, str | None], error: type[LecternError]
) -> None:
    write("a direct conversation needs the number")
    who = contact_id(three, ANA, actor)
    before = three.people.contact(who, actor=actor).contact
    with pytest.raises(error):
        three.people.update_contact(who, changes, version=before.version, actor=actor)
    assert three.people.contact(who, actor=actor).contact == before


def test_one_page_shows_everything_about_a_person_but_what_was_said(
    three: Backend, write: Write, reader: Actor, make_document: MakeDocument, clean: EmbeddedServer
) -> None:
    direct = write("canary-of-ana private", at=DAY)
    group = write("canary-of-ana in the group", guid="g", at=DAY)
    left = write("canary-of-ana before leaving", guid="old", at=DAY)
    write("canary-of-ben", sender=BEN)
    write("canary-of-ben too", sender=BEN, guid="g")
    who = contact_id(three, ANA, reader)
    three.conversations.leave(left.conversation_id, who, actor=reader)
    document = make_document("One page.", title="Letter to the landlord")
    three.on_behalf.keep_for(document, who, actor=reader)
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute(
            "INSERT INTO oauth_tokens (user_id, provider, enc_access, key_id, expires_at, failures)"
            " VALUES (%s, 'calendar', 'sealed', 'k', now(), 2)",
            (who,),
        )
        conn.execute("UPDATE documents SET status = 'FAILED' WHERE id = %s", (document,))
        conn.execute(
            "INSERT INTO photos (container_id, conversation_id, sender, user_id, attachment_guid, status, error_code, correlation_id)"
            " SELECT id, conversation_id, 'x', %s, 'a', 'failed', 'unreadable_file', 'c' FROM containers WHERE conversation_id = %s",
            (who, direct.conversation_id),
        )
    three.conversations.messages(direct.conversation_id, actor=replace(reader, reason="complaint 17"))
    person = three.people.contact(who, actor=reader)
    seen = {(one.kind, one.conversation, one.messages, one.left_at is None) for one in person.containers}
    assert seen == {
        ("direct", direct.conversation_id, 1, True),
        ("group", group.conversation_id, 1, True),
        ("group", left.conversation_id, 1, False),
    }
    assert [(one.title, one.status) for one in person.documents] == [("Letter to the landlord", "FAILED")]
    assert [(one.provider, one.failures) for one in person.sessions] == [("calendar", 2)]
    assert {one.kind for one in person.failures} == {"photo", "document"}
    assert person.reads is not None
    assert ("conversation.read", "complaint 17") in {(one.action, one.reason) for one in person.reads}
    assert "canary" not in str(person)
    assert "sealed" not in str(person)


def test_who_read_what_is_shown_to_those_who_may_read_the_log(three: Backend, write: Write, reader: Actor) -> None:
    write("hello")
    who = contact_id(three, ANA, reader)
    assert three.people.contact(who, actor=replace(reader, role=SUPPORT)).reads is None
    assert three.people.contact(who, actor=reader).reads
    with pytest.raises(NotAllowed):
        three.people.contact(who, actor=replace(reader, role=AUDITOR))


def test_a_document_is_kept_for_a_contact_until_it_is_not(three: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document, who = make_document("One page."), contact_id(three, ANA, actor)
    three.on_behalf.keep_for(document, who, actor=actor)
    assert [one.id for one in three.on_behalf.kept_for(who, actor=actor)] == [document]
    three.on_behalf.keep_for(document, None, actor=actor)
    assert three.on_behalf.kept_for(who, actor=actor) == ()
    for wrong in ((document, uuid.uuid4()), (document + 1, who)):
        with pytest.raises(NotFound):
            three.on_behalf.keep_for(*wrong, actor=actor)


def test_nobody_is_found_by_an_id_that_does_not_exist(talk: Backend, reader: Actor) -> None:
    nobody = uuid.uuid4()
    for verb in (talk.people.contact, talk.people.reveal, talk.people.disable):
        with pytest.raises(NotFound):
            verb(nobody, actor=reader)


def test_made_up_people_are_in_no_list(three: Backend, write: Write, actor: Actor, clean: EmbeddedServer) -> None:
    write("hello")
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("UPDATE contacts SET synthetic = true WHERE phone = %s", (ANA,))
        conn.execute("UPDATE conversations SET synthetic = true")
        conn.execute("UPDATE personas SET synthetic = true WHERE id = 'echo'")
    assert [one.name for one in three.people.contacts(actor=actor)] == ["Ben O'Brien", "Chi Wong 100%"]
    assert three.conversations.listing(actor=actor) == ()
    assert [one.id for one in three.people.personas(actor=actor)] == ["sage"]
