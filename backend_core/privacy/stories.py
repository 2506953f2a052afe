"""Everyday stories: made-up people talk in groups and alone, and everybody keeps what is theirs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from backend_core.errors import InvalidInput, LecternError
from backend_core.privacy.catalogue import Checked
from backend_core.privacy.contexts import D1, D2, D3, GA, GB, GC, INSIDE, TITLES
from backend_core.privacy.people import PLACES
from backend_core.privacy.stage import Stage
from backend_core.privacy.telling import Story
from backend_core.scopes import containers
from backend_core.scopes.records import Direct, Group, direct_tag, group_tag

CHANGES: Final = 20


def tags(stage: Stage) -> Checked:
    """Look at the labels of conversations, as they are made and as they are kept."""
    story = Story(stage, "test_container_tag_generation")
    expected: dict[str, Callable[[], str]] = {
        "user_+15551234567_persona_sage": lambda: direct_tag("+1 (555) 123-4567", "sage"),
        "group_chat-7;+;a": lambda: group_tag("chat-7;+;a"),
        "group_user_+15551234567_persona_sage": lambda: group_tag("user_+15551234567_persona_sage"),
    }
    for tag, made in expected.items():
        story.check(holds=made() == tag, place="label", did=tag, saw=made(), cause="A label is not made as it should be.")
    bad: dict[str, Callable[[], str]] = {
        "a phone without its country": lambda: direct_tag("5551234567", "sage"),
        "words instead of a phone": lambda: direct_tag("group_x", "sage"),
        "a persona with an underscore": lambda: direct_tag("+15551234567", "sage_persona_milo"),
        "a group without a name": lambda: group_tag(" "),
    }
    for did, made in bad.items():
        story.check(holds=_refused(made), place="label", did=did, saw="let pass", cause="A label is made of what is no name.")
    kept = {code: stage.place(code).container.tag for code in PLACES}
    same = "Two conversations have one label."
    story.check(holds=len(set(kept.values())) == len(kept), place="label", did="compare all", saw=len(set(kept.values())), cause=same)
    for code, tag in kept.items():
        story.check(
            holds=tag == _label(stage, code), place=TITLES[code], did="read the label", saw="another one", cause="A label is wrong."
        )
    return story.checked()


def _label(stage: Stage, code: str) -> str:
    where = stage.place(code).where
    if isinstance(where, Group):
        return group_tag(where.guid)
    name = next(name for name, user in stage.people.users.items() if user == where.user)
    return direct_tag(stage.people.phone(name), where.persona)


def _refused(made: Callable[[], object]) -> bool:
    try:
        made()
    except InvalidInput:
        return True
    return False


def secret_project(stage: Stage) -> Checked:
    """Ben names a project in the flat share; nobody hears of it anywhere else, not even Ben alone."""
    story = Story(stage, "secret_project")
    word = story.word()
    story.say(GA, "ben", f"Our secret project is called {word} and begins in May.")
    question = f"What is the secret project {word} called?"
    story.known(GA, question, word)
    story.hidden((D1, D2, D3, GB, GC), question, word, cause="A secret of a group shows outside it.")
    return story.checked()


def personal_worry(stage: Stage) -> Checked:
    """Ana tells Sage of a worry; her groups, another persona and everybody else know nothing."""
    story = Story(stage, "personal_worry")
    word = story.word()
    story.say(D1, "ana", f"I cannot sleep because of my exam in {word}.")
    question = f"Why does Ana not sleep, is it the exam in {word}?"
    story.known(D1, question, word)
    story.hidden((GA, GB, D2, D3), question, word, cause="A private worry shows outside the talk it was told in.")
    return story.checked()


def roommate_complaint(stage: Stage) -> Checked:
    """Ana complains about Ben to Sage; neither the flat share nor Ben hears of it."""
    story = Story(stage, "roommate_complaint")
    word = story.word()
    story.say(D1, "ana", f"Ben never washes the {word}, I cannot stand it any more.")
    question = f"What does Ana say about Ben and the {word}?"
    story.known(D1, question, word)
    story.hidden((GA, D3, D2), question, word, cause="A complaint about a flatmate shows where the flatmate is.")
    return story.checked()


def surprise_party(stage: Stage) -> Checked:
    """The book club plans a party for Ana; her own groups, and she alone later, know nothing."""
    story = Story(stage, "surprise_party")
    word = story.word()
    story.say(GC, "dora", f"Ana's surprise party is at the {word} on Saturday at eight, not a word to her!")
    question = f"Is something planned for Ana on Saturday, perhaps at the {word}?"
    story.known(GC, question, word)
    story.hidden((GA, GB), question, word, cause="A surprise shows in another group.")
    story.say(D1, "ana", "What am I doing on Saturday?")
    story.hidden((D1, D2), question, word, cause="A surprise shows to whom it is for.")
    return story.checked()


def twenty_changes(stage: Stage) -> Checked:
    """Talk moves between a group and a private talk twenty times; each knows only its own."""
    story = Story(stage, "twenty_changes")
    said: dict[str, list[str]] = {D1: [], GA: []}
    for number in range(CHANGES):
        code = (D1, GA)[number % 2]
        word = story.word(str(number))
        story.say(code, "ana", f"Number {number} is {word}.")
        said[code].append(word)
    for code, other in ((D1, GA), (GA, D1)):
        texts = " ".join(story.texts(code))
        for word in said[code]:
            story.check(holds=word in texts, place=TITLES[code], did="list", saw="", cause="It is not known where it was said.", rows=0)
        for word in said[other]:
            cause = "What was said in one mode shows in the other."
            story.check(holds=word not in texts, place=TITLES[code], did="list", saw=word, cause=cause)
        story.hidden((code,), f"What is number {CHANGES - 1}, {said[other][-1]}?", said[other][-1], cause="A search finds the other mode.")
    return story.checked()


def member_who_left(stage: Stage) -> Checked:
    """Ben leaves the flat share; alone with Sage he finds nothing of it."""
    story = Story(stage, "member_who_left")
    word = story.word()
    story.say(GA, "ben", f"The spare key hangs behind the {word}.")
    place, ben = stage.place(GA), stage.people.users["ben"]
    stage.verbs.conversations.leave(place.container.conversation_id, ben, actor=stage.actor)
    question = f"Where does the spare key hang, behind the {word}?"
    story.hidden((D3,), question, word, cause="Who left a group takes its memory along.")
    story.known(GA, question, word)
    stage.verbs.conversations.join(place.container.conversation_id, ben, actor=stage.actor)
    return story.checked()


def lookalike_names(stage: Stage) -> Checked:
    """Make groups whose names look like others, or like patterns; each is empty and only itself."""
    story = Story(stage, "lookalike_names")
    guid = f"made-up-{stage.people.token}-"
    names = [stage.place(D1).container.tag, f"{guid}%", f"{guid}G_", f"{guid}G", f"{guid}GA,{guid}GB", f"group_{guid}GA"]
    known = set(stage.people.numbers)
    for name in names:
        with stage.verbs.database.begin("Privacy run: another group") as conn:
            number, made = containers.find_or_make(conn, Group(name), synthetic=True, title="Made up")
        story.check(holds=number not in known, place=name, did="open the group", saw="another conversation", cause="A name opens another.")
        known.add(number)
        with stage.verbs.memory.scope(made, actor=stage.actor, reason=stage.reason) as memory:
            saw = memory.list(limit=1, include_forgotten=True)
        story.check(holds=not saw, place=name, did="list", saw=len(saw), cause="A name shows the memory of another conversation.")
    return story.checked()


def one_person_however_written(stage: Stage) -> Checked:
    """Write Ana's phone in several ways; each is the same conversation."""
    story = Story(stage, "one_person_however_written")
    phone, sage = stage.people.phone("ana"), stage.people.personas["sage"]
    spaced = f"{phone[:4]} {phone[4:6]} {phone[6:9]}-{phone[9:]}"
    for written in (phone, spaced, f"00{phone[1:]}", f"{phone[:4]} ({phone[4:6]}) {phone[6:]}", f" {phone} "):
        found = stage.verbs.scopes.resolve(Direct(written, sage))
        same = found.public_id == stage.place(D1).container.public_id
        story.check(holds=same, place=TITLES[D1], did="write the phone in another way", saw=found.kind, cause="One phone opens two talks.")
    return story.checked()


def update_keeps_container(stage: Stage) -> Checked:
    """Change a memory in private; elsewhere its id is unknown, and so are its new and its old words."""
    story = Story(stage, "update_keeps_container")
    old, new = story.word("old"), story.word("new")
    with stage.open(D1, action="memory.add") as memory:
        first = memory.add(f"My locker has the number {old}.")
        memory.update(first.id, text=f"My locker has the number {new} now.", version=first.version)
        versions = [one.text for one in memory.history(first.id)]
    story.check(holds=len(versions) > 1, place=TITLES[D1], did="history", saw=len(versions), cause="A change lost its history.", rows=0)
    story.known(D1, f"Which number has my locker, {new}?", new)
    for code in (D2, D3, GA):
        with stage.open(code) as memory:
            for verb in (memory.get, memory.history, memory.around):
                did = f"memory.{verb.__name__}(id)"
                story.check(holds=_unknown(verb, first.id), place=TITLES[code], did=did, saw="known", cause="A memory moved.")
    story.hidden((D2, D3, GA), f"Which number has the locker, {old} or {new}?", new, cause="A changed memory shows elsewhere.")
    return story.checked()


def _unknown(verb: Callable[[uuid.UUID], object], key: uuid.UUID) -> bool:
    try:
        verb(key)
    except LecternError:
        return True
    return False


def import_keeps_container(stage: Stage) -> Checked:
    """Export a private talk and import the file in a group: it is refused, and the group learns nothing."""
    story = Story(stage, "import_keeps_container")
    word = story.word()
    path = stage.scratch / f"{uuid.uuid4().hex}.zip"
    try:
        with stage.open(D1, action="memory.add") as memory:
            memory.add(f"My diary is hidden in the {word}.")
            memory.export(path)
        with stage.open(GA, action="memory.import") as memory:
            saw = _refused(lambda: memory.import_(path))
    finally:
        path.unlink(missing_ok=True)
    story.check(holds=saw, place=TITLES[GA], did="memory.import_(file of D1)", saw="let pass", cause="An import changes the conversation.")
    story.hidden((GA, GB), f"Where is the diary, in the {word}?", word, cause="An imported file shows another conversation.")
    return story.checked()


def reply_knows_its_own(stage: Stage) -> Checked:
    """Ask every persona for what each other place knows, and look at what the reply would be given."""
    story = Story(stage, "reply_knows_its_own")
    words = stage.people.words()
    for code in INSIDE:
        others = {other: word for other, word in words.items() if other != code}
        reply = story.reply(code, f"What about the party, the key and {' and '.join(others.values())}?")
        for other, word in others.items():
            did = f"reply_context, asking for {TITLES[other]}"
            story.check(holds=word not in reply, place=TITLES[code], did=did, saw=word, cause="A reply is given what others said.")
        own = story.reply(code, f"What about the key to {words[code]}?")
        story.check(
            holds=words[code] in own, place=TITLES[code], did="reply_context", saw="", cause="A reply misses its own memory.", rows=0
        )
    return story.checked()


STORIES: Final[Mapping[str, Callable[[Stage], Checked]]] = {
    one.__name__: one
    for one in (
        secret_project,
        personal_worry,
        roommate_complaint,
        surprise_party,
        twenty_changes,
        member_who_left,
        lookalike_names,
        one_person_however_written,
        update_keeps_container,
        import_keeps_container,
        reply_knows_its_own,
    )
}
