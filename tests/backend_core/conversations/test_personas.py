"""Personas: every passport they had is kept, one version wins, and an id can stand in a tag."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from backend_core.backend import Backend
from backend_core.errors import Conflict, InvalidInput, LecternError, NotAllowed, NotFound, StaleVersion, TooLarge
from backend_core.policy import SUPPORT, Actor


def test_every_passport_is_kept_with_who_changed_it(talk: Backend, actor: Actor) -> None:
    made = talk.people.save_persona("sage", name="Sage", passport={"tone": "dry", "age": 41}, version=1, actor=actor)
    assert (made.version, made.passport) == (2, {"tone": "dry", "age": 41})
    kept = talk.people.passports("sage", actor=actor)
    assert [(one.version, one.passport, one.changed_by) for one in kept] == [
        (2, {"tone": "dry", "age": 41}, actor.name),
        (1, {"tone": "warm"}, actor.name),
    ]


def test_of_many_changes_of_one_version_one_wins(talk: Backend, actor: Actor) -> None:
    def save(number: int) -> bool:
        try:
            talk.people.save_persona("sage", name="Sage", passport={"n": number}, version=1, actor=actor)
        except StaleVersion:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save, range(8))) == 1
    assert len(talk.people.passports("sage", actor=actor)) == 2


def test_a_persona_that_may_not_answer_is_left_out_when_asked(talk: Backend, actor: Actor) -> None:
    talk.people.save_persona("echo", name="Echo", passport={}, version=1, enabled=False, actor=actor)
    assert [one.id for one in talk.people.personas(actor=actor)] == ["echo", "sage"]
    assert [one.id for one in talk.people.personas(disabled=False, actor=actor)] == ["sage"]


@pytest.mark.trace("B34")
@pytest.mark.parametrize("slug", ["", "Sage", "sage_1", "-sage", "sage echo", "s" * 41, "sage\n", "é", "a;b", "a%"])
def test_an_id_that_a_tag_could_be_read_wrong_with_is_refused(talk: Backend, actor: Actor, slug: str) -> None:
    with pytest.raises(InvalidInput):
        talk.people.save_persona(slug, name="X", passport={}, version=0, actor=actor)


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"name": ""}, InvalidInput),
        ({"name": "x" * 81}, InvalidInput),
        ({"passport": {"a": float("nan")}}, InvalidInput),
        ({"passport": {"a": object()}}, InvalidInput),
        ({"passport": {"a": "b\0c"}}, InvalidInput),
        ({"passport": {"a": "\ud800"}}, InvalidInput),
        ({"passport": {"a": "x" * 100_001}}, TooLarge),
        ({"version": 7}, StaleVersion),
        ({"version": 0}, Conflict),
        ({"persona_id": "nobody"}, NotFound),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(
    talk: Backend, actor: Actor, facts: dict[str, object], error: type[LecternError]
) -> None:
    given = {"persona_id": "sage", "name": "Sage", "passport": {"tone": "new"}, "version": 1, "actor": actor} | facts
    with pytest.raises(error):
        talk.people.save_persona(given.pop("persona_id"), **given)  # type: ignore[arg-type]  # wrong on purpose
    assert talk.people.persona("sage", actor=actor).passport == {"tone": "warm"}


def test_only_administrators_change_personas(talk: Backend, actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        talk.people.save_persona("sage", name="Sage", passport={}, version=1, actor=replace(actor, role=SUPPORT))
