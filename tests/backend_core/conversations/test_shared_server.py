"""People and talk on a shared server, where each person has a login of their own and the database keeps the roles apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.errors import NotAllowed
from backend_core.policy import Actor
from tests.backend_core.access.conftest import signed_in, staffed, team  # noqa: F401  # fixtures
from tests.backend_core.conversations.conftest import ANA, BEN

SignIn = Callable[[str], tuple[Backend, Actor]]


def test_support_staff_look_after_people_with_the_rights_of_their_login_alone(signed_in: SignIn) -> None:  # noqa: F811  # the fixture
    ours, admin = signed_in("adm")
    ours.people.save_persona("sage", name="Sage", passport={}, version=0, actor=admin)
    backend, support = signed_in("ana")
    support = replace(support, reason="asked by the contact")
    received = backend.conversations.receive(IncomingMessage(text="thank you", sender=ANA, persona="sage"), actor=support)
    backend.conversations.receive(IncomingMessage(text="rent is due", sender=BEN, chat_guid="g", is_group=True), actor=support)
    (person,) = backend.people.contacts(ANA, actor=support)
    backend.people.update_contact(person.id, {"name": "Ana Silva", "phone": "+4915199999999"}, version=1, actor=support)
    assert backend.people.reveal(person.id, actor=support).phone == "+4915199999999"
    assert [one.kind for one in backend.people.contact(person.id, actor=support).containers] == ["direct"]
    assert [one.text for one in backend.conversations.messages(received.conversation_id, actor=support).rows] == ["thank you"]
    assert backend.conversations.relationship(person.id, "sage", actor=support).rapport == 1
    assert len(backend.conversations.listing(actor=support)) == 2


def test_what_the_table_of_rights_would_let_pass_by_mistake_the_database_refuses(signed_in: SignIn) -> None:  # noqa: F811  # the fixture
    ours, admin = signed_in("adm")
    person = ours.people.add_contact("Ana", phone=ANA, actor=admin)
    backend, support = signed_in("ana")
    # as if somebody had promoted the person in the program only
    promoted = replace(support, role="admin")
    for mistaken in (
        lambda: backend.people.disable(person.id, actor=promoted),
        lambda: backend.people.save_persona("nova", name="Nova", passport={}, version=0, actor=promoted),
    ):
        with pytest.raises(NotAllowed):
            mistaken()


def test_auditors_see_no_contact_and_no_conversation(signed_in: SignIn) -> None:  # noqa: F811  # the fixture
    backend, auditor = signed_in("aud")
    for verb in (backend.people.contacts, backend.conversations.listing):
        with pytest.raises(NotAllowed):
            verb(actor=auditor)
        with pytest.raises(NotAllowed):
            verb(actor=replace(auditor, role="admin"))
