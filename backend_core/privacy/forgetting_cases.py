"""Rules of forgetting: what is said to be forgotten goes where that was said, all of it, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg import sql

from backend_core.memory.boundaries import boundaries_in
from backend_core.memory.forget_selection import chosen
from backend_core.privacy.catalogue import Checked
from backend_core.privacy.contexts import D1, D2, GA, GB, GC, INSIDE, TITLES
from backend_core.privacy.people import closed_tables
from backend_core.privacy.raw import driver
from backend_core.privacy.stage import Stage
from backend_core.privacy.telling import Story

EVERYTHING: Final = 500


def forget_in_group_only_group(stage: Stage) -> Checked:
    """Say the same in the flat share and in private, and have the flat share forget it."""
    return _forgotten_in(Story(stage, "forget_in_group_only_group"), GA, D1)


def forget_in_direct_only_direct(stage: Stage) -> Checked:
    """Say the same in the flat share and in private, and have the private talk forget it."""
    return _forgotten_in(Story(stage, "forget_in_direct_only_direct"), D1, GA)


def _forgotten_in(story: Story, here: str, there: str) -> Checked:
    word = story.word()
    for code in (here, there):
        story.say(code, "ana", f"My birthday present is behind the {word}.")
    story.say(here, "ana", f"Forget what I said about the {word}.")
    question = f"What is behind the {word}?"
    story.hidden((here,), question, word, cause="What was to be forgotten is still known.")
    story.known(there, question, word)
    return story.checked()


def forget_that_means_the_last(stage: Stage) -> Checked:
    """Say something in private, then something in the group, then "forget that" in private."""
    story = Story(stage, "forget_that_means_the_last")
    here, there = story.word("here"), story.word("there")
    story.say(D1, "ana", f"I dream of the {here}.")
    story.say(GA, "ana", f"We need a new {there}.")
    story.say(D1, "ana", "Forget that.")
    story.hidden((D1,), f"What does Ana dream of, the {here}?", here, cause="The last thing said here is still known.")
    story.known(GA, f"What do we need, a {there}?", there)
    return story.checked()


def forget_ambiguous_changes_nothing(stage: Stage) -> Checked:
    """Ask for forgetting in words that may mean something else, and count."""
    story = Story(stage, "forget_ambiguous_changes_nothing")
    story.say(D1, "ana", f"The code of the door is {story.word()}.")
    for wish in ("Forget it, never mind.", "Forget everything.", "Forget that, but only if Ben agrees."):
        before = _counts(stage, D1)
        told: Any = story.say(D1, "ana", wish).forget
        did = getattr(told, "did", None)
        story.check(holds=did in (None, "asked"), place=TITLES[D1], did=wish, saw=did, cause="An unclear wish was carried out.")
        # the wish itself may be remembered as something that was said
        story.check(
            holds=_counts(stage, D1) >= before, place=TITLES[D1], did=wish, saw=_counts(stage, D1), cause="An unclear wish took something."
        )
    return story.checked()


def _counts(stage: Stage, code: str) -> int:
    with stage.open(code) as memory:
        return memory.count()


def forget_everything_touches_one(stage: Stage) -> Checked:
    """Forget all that the book club remembers, and count everywhere."""
    story = Story(stage, "forget_everything_touches_one")
    before = {code: _counts(stage, code) for code in INSIDE}
    with stage.open(GC, action="memory.forget") as memory:
        found = chosen(memory.scope, [one.id for one in memory.list(limit=EVERYTHING)])
        done = stage.verbs.forgetting.forget_in(memory.scope, found, topic=None, by="privacy run")
    after = {code: _counts(stage, code) for code in INSIDE}
    said = done.counts.get("memories", 0)
    story.check(holds=after[GC] == 0, place=TITLES[GC], did="forget everything", saw=after[GC], cause="Something is still known.")
    story.check(holds=said == before[GC], place=TITLES[GC], did="count", saw=said, cause="The number told is not what was forgotten.")
    for code in INSIDE:
        if code != GC:
            cause = "Forgetting in one conversation took something from another."
            story.check(holds=after[code] == before[code], place=TITLES[code], did="count", saw=after[code] - before[code], cause=cause)
    return story.checked()


def forgotten_is_gone(stage: Stage) -> Checked:
    """Forget for good, and look for the words in every table; then take it all back, the receipt too."""
    story = Story(stage, "forgotten_is_gone")
    word = story.word()
    story.say(D2, "ana", f"My password is {word}, remember it.")
    with stage.open(D2, action="memory.forget") as memory:
        nested = memory.scope.conn.begin_nested()
        ids = [one.id for one in memory.list(limit=EVERYTHING) if word in one.text]
        done = stage.verbs.forgetting.forget_in(memory.scope, chosen(memory.scope, ids), topic=None, by="privacy run", hard=True)
        receipt = "" if done.receipt is None else done.receipt.document
        cause = "A receipt is missing, or tells what was forgotten."
        story.check(holds=bool(receipt) and word not in receipt, place="receipt", did="forget for good", saw=receipt, cause=cause)
        for one in closed_tables():
            query = sql.SQL("SELECT count(*) FROM {} t WHERE to_jsonb(t)::text LIKE {}")
            made = query.format(sql.Identifier(one.name), sql.Literal(f"%{word}%"))
            row: Any = driver(memory.scope.conn).execute(made).fetchone()
            gone = row[0] == 0
            story.check(holds=gone, place=one.name, did=made.as_string(), saw=row[0], cause=f"Forgotten words are left in {one.name}.")
        nested.rollback()
    return story.checked()


def boundary_stays_in_its_place(stage: Stage) -> Checked:
    """Set a boundary in private about what a group talks of too."""
    story = Story(stage, "boundary_stays_in_its_place")
    word = story.word()
    for code in (D1, GB):
        story.say(code, "ana", f"The trip to {word} was a disaster.")
    story.say(D1, "ana", f"Please never mention {word} again.")
    question = "How was the trip?"
    kept_back = word not in story.reply(D1, question)
    story.check(holds=kept_back, place=TITLES[D1], did="reply_context", saw=word, cause="A boundary does not hold where it was set.")
    known = word in story.reply(GB, question)
    story.check(
        holds=known, place=TITLES[GB], did="reply_context", saw="", cause="A boundary of one conversation holds in another.", rows=0
    )
    for code in (GA, GB, D2):
        with stage.open(code) as memory:
            seen = [one.topic for one in boundaries_in(memory.scope) if word in one.topic]
        story.check(holds=not seen, place=TITLES[code], did="boundaries", saw=seen, cause="A boundary is seen elsewhere.")
    return story.checked()


FORGETTING_CASES: Final[Mapping[str, Callable[[Stage], Checked]]] = {
    one.__name__: one
    for one in (
        forget_in_group_only_group,
        forget_in_direct_only_direct,
        forget_that_means_the_last,
        forget_ambiguous_changes_nothing,
        forget_everything_touches_one,
        forgotten_is_gone,
        boundary_stays_in_its_place,
    )
}
