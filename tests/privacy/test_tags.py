"""Names become containers one to one: exact labels, no prefixes, no patterns, one person however the number is written."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotFound
from backend_core.policy import SYSTEM, Actor
from backend_core.scopes import containers
from backend_core.scopes.records import Container, Direct, Group, Where, direct_tag, group_tag

ACTOR = Actor(operator_id=None, name="Lectern", role=SYSTEM, workstation="here")
# the characters and words that mean something to tags, patterns and lists, in few enough pieces to meet often
PIECES = ("_", "%", ":", ",", "*", "\\", "'", "a", "1", "group_", "user_", "_persona_", "+15551234567", "sage", " ", "é", "e\u0301")
GUIDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join).filter(str.strip)
PHONES = st.sampled_from(["+15551234567", "+15551234568", "+155512345671", "+1555123456", "+491551234567"])
SLUGS = st.lists(st.sampled_from(["sage", "persona", "user", "group", "1", "-"]), min_size=1, max_size=3).map("".join)
PERSONAS = SLUGS.filter(lambda slug: not slug.startswith("-"))
NAMES = st.one_of(st.tuples(PHONES, PERSONAS), GUIDS)


def tag(name: tuple[str, str] | str) -> str:
    return group_tag(name) if isinstance(name, str) else direct_tag(*name)


@pytest.mark.trace("B34", "B35")
@given(one=NAMES, other=NAMES)
def test_tag_generation_injective(one: tuple[str, str] | str, other: tuple[str, str] | str) -> None:
    assert (tag(one) == tag(other)) == (one == other)


@pytest.mark.trace("B34", "B35")
@given(name=NAMES)
def test_a_tag_can_be_read_in_one_way_only(name: tuple[str, str] | str) -> None:
    direct = re.fullmatch(r"user_(\+[1-9][0-9]{6,14})_persona_([a-z0-9][a-z0-9-]*)", tag(name))
    group = re.fullmatch(r"group_(.+)", tag(name), re.DOTALL)
    assert (direct is None) != (group is None)
    assert name == (direct.groups() if direct else group[1] if group else None)


def made(backend: Backend, where: Where) -> Container:
    with backend.scopes.open(where, actor=ACTOR, action="message.receive", reason="test", create=True) as scope:
        return scope.container


def contact(backend: Backend, phone: str) -> uuid.UUID:
    with backend.database.begin("Add") as conn:
        conn.exec_driver_sql("INSERT INTO personas (id, name) VALUES ('sage', 'Sage'), ('echo', 'Echo') ON CONFLICT DO NOTHING")
        return containers.ensure_contact(conn, phone, name="Somebody")


@pytest.mark.trace("B34")
def test_a_direct_container_is_labelled_exactly(backend: Backend) -> None:
    user = contact(backend, "+1 555 123 4567")
    assert made(backend, Direct(user, "sage")).tag == "user_+15551234567_persona_sage"
    assert made(backend, Direct("+15551234567", "echo")).tag == "user_+15551234567_persona_echo"


@pytest.mark.trace("B34")
@pytest.mark.parametrize(
    "phone",
    [
        "5551234567", "+0555123456", "+1", "+1555123456_persona_sage", "+1555123456a", "+1555123456%", "", "sage", "++15551234567",
        "+1555123456789012", "+15551234567,+15551234568", "+15551234567;ext=1", "+15551234567 OR 1=1",
    ],
)  # fmt: skip
def test_a_bad_phone_is_refused(backend: Backend, phone: str) -> None:
    with pytest.raises(InvalidInput):
        direct_tag(phone, "sage")
    contact(backend, "+15551234567")
    with pytest.raises((InvalidInput, NotFound)):
        made(backend, Direct(phone, "sage"))


@pytest.mark.trace("B34")
@pytest.mark.parametrize("persona", ["", "Sage", "sage_persona_echo", "-sage", "sage%", "sage echo", "s" * 41, "säge", "sage\n"])
def test_a_bad_persona_is_refused(persona: str) -> None:
    with pytest.raises(InvalidInput):
        direct_tag("+15551234567", persona)


@pytest.mark.trace("B35")
def test_a_group_is_labelled_exactly_and_never_as_a_direct_container(backend: Backend) -> None:
    user = contact(backend, "+15551234567")
    direct = made(backend, Direct(user, "sage"))
    assert made(backend, Group("iMessage;+;chat7316")).tag == "group_iMessage;+;chat7316"
    for guid in (direct.tag, "+15551234567_persona_sage", str(direct.public_id), str(direct.conversation_id), str(user)):
        group = made(backend, Group(guid))
        assert (group.tag, group.kind) == (f"group_{guid}", "group")
        assert group.public_id != direct.public_id


ALIKE = ("trip", "trip_", "trip-2", "trip2", "trip%", "tri_", "TRIP", "trip trip", "group_trip", "t", "%", "_", "*", "trip,trip2", "trip\\")


@pytest.mark.trace("B35")
def test_tag_no_prefix_or_like_semantics(backend: Backend) -> None:
    made_from = {guid: made(backend, Group(guid)) for guid in ALIKE}
    assert len({container.public_id for container in made_from.values()}) == len(ALIKE)
    for guid, container in made_from.items():
        assert backend.scopes.resolve(Group(guid)) == container
        with backend.scopes.open(Group(guid), actor=ACTOR, action="memory.add", reason="test") as scope:
            statement = "INSERT INTO memories (container_id, turn, text, content_hash) VALUES (%s, 1, %s, 'x')"
            scope.conn.exec_driver_sql(statement, (scope.container_id, guid))
    for guid in ("tri", "trip%2", "rip", "%trip%", "trip2 ", "group_", "tr__"):
        with pytest.raises(NotFound):
            backend.scopes.resolve(Group(guid))
    # a clearing of one leaves every other, those that begin alike included
    for number, guid in enumerate(ALIKE):
        with backend.scopes.open(Group(guid), actor=ACTOR, action="memory.edit", reason="test") as scope:
            assert scope.conn.exec_driver_sql("DELETE FROM memories RETURNING text").scalars().all() == [guid], number


WAYS = (
    "+44 20 7946 0018", "+442079460018", "0044 20 7946 0018", "+44 (20) 7946-0018", "+44 (0)20 7946 0018", "+44.20.7946.0018",
    "\u202a+44 20 7946 0018\u202c", "+44\u00a020\u00a07946\u00a00018", "＋４４ 20 7946 0018", "+٤٤ ٢٠ ٧٩٤٦ ٠٠١٨", " +44-20-7946-0018 ",
)  # fmt: skip


@pytest.mark.trace("B34")
@pytest.mark.parametrize("written", WAYS)
def test_phone_normalisation_same_container(backend: Backend, written: str) -> None:
    user = contact(backend, WAYS[0])
    assert contact(backend, written) == user
    first = made(backend, Direct(user, "sage"))
    assert made(backend, Direct(written, "sage")) == first
    assert made(backend, Direct(str(user), "sage")) == first
    assert direct_tag(written, "sage") == first.tag
    contact(backend, "+442079460019")
    assert made(backend, Direct("+442079460019", "sage")).public_id != first.public_id


@pytest.mark.trace("B34")
def test_a_new_phone_relabels_the_container_and_keeps_what_is_in_it(backend: Backend) -> None:
    user = contact(backend, "+15551234567")
    before = made(backend, Direct(user, "sage"))
    with backend.database.begin("Change") as conn:
        conn.exec_driver_sql("UPDATE contacts SET phone = '+15557654321' WHERE id = %s", (user,))
    after = backend.scopes.resolve(Direct(user, "sage"))
    assert (after.public_id, after.tag) == (before.public_id, "user_+15557654321_persona_sage")
    # whoever gets the old number later begins with nothing
    assert contact(backend, "+15551234567") != user
    assert made(backend, Direct("+15551234567", "sage")).public_id != before.public_id


def test_a_tag_names_nothing(backend: Backend) -> None:
    user = contact(backend, "+15551234567")
    direct = made(backend, Direct(user, "sage"))
    for text in (direct.tag, direct.masked_tag, "1"):
        with pytest.raises((InvalidInput, NotFound)):
            backend.scopes.resolve(Direct(text, "sage"))
        with pytest.raises(NotFound):
            backend.scopes.resolve(Group(text))
