"""The grammar of "forget that" and its kin: what is a command, what only looks like one, and what asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.memory.commands import FORGET, HIDE, LONGEST_TEXT, NEVER, Ambiguous, Command, question, read_command

DOCUMENT = Path(__file__).parents[3] / "docs" / "forgetting.md"
COMMANDS = (
    ("forget that", "forget", None),
    ("Forget that.", "forget", None),
    ("please forget that", "forget", None),
    ("Forget that, please!", "forget", None),
    ("Sage, forget that", "forget", None),
    ("@Sage forget that", "forget", None),
    ("Hey Sage, please forget that.", "forget", None),
    ("can you forget that?", "forget", None),
    ("Could you please forget that", "forget", None),
    ("I want you to forget that", "forget", None),
    ("FORGET THAT!!!", "forget", None),
    ("forget this", "forget", None),
    ("forget what I just said", "forget", None),
    ("Forget what I said", "forget", None),
    ("forget the last thing I said", "forget", None),
    ("forget the last thing I told you", "forget", None),
    ("forget my last message", "forget", None),
    ("forget I said that", "forget", None),
    ("forget that I said that", "forget", None),
    ("Forget I said anything", "forget", None),
    ("delete that", "forget", None),
    ("erase that from your memory", "forget", None),
    ("don't remember that", "forget", None),
    ("Oh no. Forget that.", "forget", None),
    ("forget what I said about my boss", "forget", "my boss"),
    ("Please forget what I said about the surprise party.", "forget", "the surprise party"),
    ("forget everything I told you about my sister's divorce", "forget", "my sister's divorce"),
    ("Forget what I told you yesterday about Tom", "forget", "Tom"),
    ("forget everything you know about my job", "forget", "my job"),
    ("forget all about Lisa", "forget", "Lisa"),
    ("Forget anything I've ever said about money, please", "forget", "money"),
    ("forget that I have diabetes", "forget", "I have diabetes"),
    ("forget that I told you I was pregnant", "forget", "I was pregnant"),
    ("Forget what I told you about Tom. We made up.", "forget", "Tom"),
    ("forget the thing about the loan", "forget", "the loan"),
    ("forget our conversation about Berlin", "forget", "Berlin"),
    ("forget my address", "forget", "my address"),
    ("don't bring this up again", "hide", None),
    ("Please don't bring that up again.", "hide", None),
    ("Don't bring it up ever again", "hide", None),
    ("dont bring this up again", "hide", None),
    ("do not mention this again", "hide", None),
    ("let's not talk about this again", "hide", None),
    ("Let's not talk about that anymore", "hide", None),
    ("stop bringing this up", "hide", None),
    ("stop talking about that", "hide", None),
    ("I don't want to talk about this anymore", "hide", None),
    ("don't bring up my ex again", "hide", "my ex"),
    ("Don't mention my weight", "hide", "my weight"),
    ("stop asking me about school", "hide", "school"),
    ("never mention my ex", "never", "my ex"),
    ("Never mention my ex again.", "never", "my ex"),
    ("never bring up my father", "never", "my father"),
    ("never bring my father up again", "never", "my father"),
    ("never ever mention the accident", "never", "the accident"),
    ("don't ever mention the accident again", "never", "the accident"),
    ("please never talk about cancer", "never", "cancer"),
    ("You must never mention Tom again", "never", "Tom"),
    ("Promise me you'll never mention Tom", "never", "Tom"),
    ("never bring that up again", "never", None),
    ("never mention it again", "never", None),
    ("my ex is off limits", "never", "my ex"),
    ("Vergiss das", "forget", None),
    ("vergiss das bitte", "forget", None),
    ("Bitte vergiss das wieder.", "forget", None),
    ("Sage, vergiss das!", "forget", None),
    ("Kannst du das bitte vergessen?", "forget", None),
    ("Könntest du das wieder vergessen", "forget", None),
    ("Vergiss, was ich gerade gesagt habe", "forget", None),
    ("Vergiss was ich eben gesagt hab", "forget", None),
    ("Vergiss meine letzte Nachricht", "forget", None),
    ("Lösch das", "forget", None),
    ("Vergessen Sie das bitte", "forget", None),
    ("Ich möchte, dass du das vergisst", "forget", None),
    ("Vergiss, was ich über meinen Chef gesagt habe", "forget", "meinen Chef"),
    ("vergiss, was ich dir über die Party erzählt habe", "forget", "die Party"),
    ("Vergiss bitte alles, was ich über Tom gesagt habe.", "forget", "Tom"),
    ("Vergiss alles über meine Schwester", "forget", "meine Schwester"),
    ("Vergiss die Sache mit dem Kredit", "forget", "dem Kredit"),
    ("Vergiss, dass ich Diabetes habe", "forget", "ich Diabetes habe"),
    ("Kannst du bitte vergessen, was ich über Tom gesagt habe?", "forget", "Tom"),
    ("Vergiss was du über Tom weißt", "forget", "Tom"),
    ("Vergiss meine Adresse", "forget", "meine Adresse"),
    ("Sprich das nicht mehr an", "hide", None),
    ("Sprich das bitte nicht mehr an.", "hide", None),
    ("Bitte sprich mich nicht mehr darauf an", "hide", None),
    ("Erwähne das nicht mehr", "hide", None),
    ("Erwähn das bitte nicht wieder", "hide", None),
    ("Lass uns nicht mehr darüber reden", "hide", None),
    ("Ich möchte nicht mehr darüber sprechen", "hide", None),
    ("Ich will darüber nicht mehr reden", "hide", None),
    ("Fang nicht wieder damit an", "hide", None),
    ("Rede nicht mehr von meinem Ex", "hide", "meinem Ex"),
    ("sprich meinen Vater nicht mehr an", "hide", "meinen Vater"),
    ("Erwähne nie meinen Vater", "never", "meinen Vater"),
    ("Erwähne niemals den Unfall", "never", "den Unfall"),
    ("Erwähne meinen Ex nie wieder", "never", "meinen Ex"),
    ("Sprich nie wieder über den Unfall", "never", "den Unfall"),
    ("Sprich den Unfall nie an", "never", "den Unfall"),
    ("Rede nie über Krebs", "never", "Krebs"),
    ("Sprich das nie wieder an", "never", None),
    ("Kein Wort mehr über Tom", "never", "Tom"),
    ("Erwaehne nie meinen Vater", "never", "meinen Vater"),
    ("Versprich mir, erwähne nie meinen Vater", "never", "meinen Vater"),
    ("Das Thema ist tabu", "never", None),
    ("never speak of this again", "never", None),
    ("please do not bring up the funeral", "hide", "the funeral"),
    ("forget what I've said about Rome, it's not important", "forget", "Rome"),
)
MORE_COMMANDS = (
    ("Forget about what I said about Tom", "forget", "Tom"),
    ("I would prefer you never mention my job", "never", "my job"),
    ("Don't you ever mention my ex again", "never", "my ex"),
    ("Please avoid mentioning my divorce", "hide", "my divorce"),
    ("No more talk about my ex, please", "hide", "my ex"),
    ("Kannst du vergessen, was ich gerade gesagt habe?", "forget", None),
    ("Vergiss meine Aussage über Tom", "forget", "Tom"),
    ("Hör bitte auf, von meinem Ex zu reden", "hide", "meinem Ex"),
    ("Ich möchte nicht, dass du meine Scheidung erwähnst", "hide", "meine Scheidung"),
    ("Let's never speak of this again", "never", None),
    ("Would you forget that for me?", "forget", None),
)
NO_COMMANDS = (
    "I don't want you to forget that",
    "Never let me forget what I said about Tom",
    "Ich will nicht, dass du das vergisst",
    "I want to forget that",
    "Hör auf damit",
    "Wir reden nicht mehr über Tom",
    "I will never forget that day",
    "don't forget that I have an appointment",
    "Don't forget that!",
    "Do not forget what I said about my boss",
    "never forget that I love you",
    "I'll never forget what you said about me",
    "vergiss nicht, mir zu schreiben",
    "Vergiss nicht, dass ich morgen komme",
    "Vergiss das nicht",
    "Vergiss das bloß nicht!",
    "vergiss nie, was ich über Tom gesagt habe",
    "Vergiss bitte nicht meine Tabletten",
    "Ich vergesse das nie",
    "Ich werde diesen Tag nie vergessen",
    "Das werde ich nie vergessen",
    "never mind",
    "don't mention it",
    "Did you forget that I am vegetarian?",
    "You forgot what I said about my boss",
    "She said I should forget that",
    'She told me "forget that"',
    '"Forget that"',
    "I never mention politics",
    "He never mentions his mother",
    "You never bring that up",
    "If I get drunk, forget what I said about Tom",
    "I can't forget that",
    "I tried to forget what I said about her",
    "How could I forget that?",
    "I forgot that I left the stove on",
    "What did I say about my boss?",
    "Erwähnst du nie meinen Vater?",
    "Er erwähnt nie seinen Vater",
    "Ich habe vergessen, was ich über Tom gesagt habe",
    "Hast du das vergessen?",
    "Das habe ich vergessen",
    "Sprich lauter",
    "sprich mit mir über Tom",
    "forget-me-nots are my favourite flowers",
    "Vergissmeinnicht sind schön",
    "We should never forget that",
    "Please don't ever forget that",
    "Why would you forget that",
    "I always forget what I said",
    "Bring up the dog's vet appointment tomorrow",
    "remember what I said about my boss",
    "don't let me forget what I said about Tom",
    "vergiss mein nicht",
    "Never!",
    "Never again",
    "tell her to never mention my ex",
    "He wants to forget that",
    "Ich will dich nicht vergessen",
    "Nie wieder Krieg",
    "My mom said don't mention politics",
)
ASKED = (
    "forget it",
    "Forget about it",
    "Vergiss es",
    "scratch that",
    "Actually, forget that. Let's order pizza.",
    "I quit my job. Forget that.",
    "forget everything",
    "Vergiss alles",
    "forget me",
    "delete all my data",
    "Vergiss mich",
    "forget what I said about the party but remember the date",
    "forget what I said about Tom if he comes back",
    "forget that guy",
    "forget the party",
    "Vergiss die Party",
    "forget what I said yesterday",
    "never mention this to my mom",
    "Erwähne das nie vor meiner Mutter",
    "forget my last three messages",
    "forget what I said about him",
    "Forget that?",
    "forget about dinner",
    "vergiss das Auto",
    "Vergiss was ich gestern gesagt habe",
    "Das kannst du vergessen",
    "Forget that. Never mention my ex.",
    "forget",
    "forget what I said about something",
    "Forget that day",
)

PIECES = (
    "forget", "that", "what", "I", "said", "about", "never", "mention", "vergiss", "nie", "was", "ich", ",", ".", "again", "nicht", "mehr",
    "my", "ex", "bitte", "please", "don't", "das", "an", "sprich",
)  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "about"), COMMANDS + MORE_COMMANDS)
def test_a_sentence_of_the_grammar_is_its_command(text: str, kind: str, about: str | None) -> None:
    found = read_command(text)
    assert isinstance(found, Command)
    assert (found.kind, found.about) == (kind, about)


@pytest.mark.parametrize("text", NO_COMMANDS)
def test_what_only_looks_like_a_command_is_none(text: str) -> None:
    assert read_command(text) is None


@pytest.mark.parametrize("text", ASKED)
def test_what_may_be_a_command_asks(text: str) -> None:
    found = read_command(text)
    assert isinstance(found, Ambiguous)
    assert found.question == question(found.why, found.language)


def test_the_language_is_that_of_the_words() -> None:
    first_german = next(place for place, (text, _, _) in enumerate(COMMANDS) if text == "Vergiss das")
    last_german = next(place for place, (text, _, _) in enumerate(COMMANDS) if text == "Das Thema ist tabu")
    for place, (text, _, _) in enumerate(COMMANDS):
        found = read_command(text)
        assert found is not None
        assert (found.language == "de") == (first_german <= place <= last_german), text


def test_case_marks_quotes_pictures_and_invisible_characters_make_no_difference() -> None:
    plain = read_command("don't bring up my ex again")
    for text in (
        "DON\u2019T BRING UP my ex AGAIN!!",
        "don\u2019t bring up my ex again \U0001f64f",
        "\u200bdon't  bring up\tmy ex again\u2026",
    ):
        assert read_command(text) == plain
    assert read_command("Erwa\u0308hne nie Tom") == read_command("Erw\u00e4hne nie Tom")


def test_who_is_addressed_is_kept_and_a_verb_is_no_name() -> None:
    found = read_command("Sage, forget that")
    assert found is not None
    assert found.addressed == "Sage"
    german = read_command("Vergiss, was ich \u00fcber Tom gesagt habe")
    assert german is not None
    assert german.addressed is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_grammar(text: str) -> None:
    assert isinstance(read_command(text), Command | Ambiguous | None)


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_order_of_its_own_words_breaks_the_grammar(words: list[str]) -> None:
    found = read_command(" ".join(words))
    if isinstance(found, Command):
        assert found.kind in {FORGET, HIDE, NEVER}
        assert found.about is None or found.about.strip()


@pytest.mark.parametrize("before", ["I will not say ", "You know, I did ", "She told me to ", "If I die, "])
def test_a_command_inside_another_sentence_is_none(before: str) -> None:
    for text in ("forget that", "forget what I said about Tom", "never mention Tom"):
        assert read_command(before + text) is None


def test_the_name_of_the_persona_may_stand_before_it_without_a_comma() -> None:
    assert read_command("sage forget that") is None
    found = read_command("Sage forget that", names={"sage"})
    assert isinstance(found, Command)
    assert (found.addressed, found.about) == ("sage", None)


def test_a_text_longer_than_anybody_says_is_none() -> None:
    assert read_command("forget that " * LONGEST_TEXT) is None


def test_every_form_in_the_document_is_what_the_document_says() -> None:
    kinds = {"forget": Command, "hide": Command, "never": Command, "asks": Ambiguous, "none": type(None)}
    rows = [line.split("|")[1:3] for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| \u201c")]
    assert len(rows) > 20
    for quoted, kind in rows:
        for text in re.findall("\u201c([^\u201d]+)\u201d", quoted):
            found = read_command(text)
            assert isinstance(found, kinds[kind.strip()]), text
            if isinstance(found, Command):
                assert found.kind == kind.strip(), text
