"""Read "forget that", "never mention …" and their kin in what a person wrote, in English and German.

A grammar, not a model: a sentence is a command only when one of the forms of ``docs/forgetting.md`` covers all of it. What only looks
like a command is none; what may be one is ``Ambiguous``, which asks and changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from backend_core.memory import command_forms as forms

FORGET: Final = "forget"
HIDE: Final = "hide"
NEVER: Final = "never"
ENGLISH: Final = "en"
GERMAN: Final = "de"
LONGEST_TEXT: Final = 2000
LONGEST_TOPIC: Final = 200
LONGEST_SENTENCE: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something a person asks about what is remembered.

    Attributes:
        kind: ``forget``, ``hide`` (do not bring it up) or ``never`` (not even when asked).
        about: the topic in the person's own words; ``None`` means "that", the last turn of this conversation.
        language: ``en`` or ``de``.
        addressed: the name it began with, as in "Sage, forget that".
    """

    kind: str
    about: str | None
    language: str
    addressed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """Something that may be a command: ask, and change nothing.

    Attributes:
        why: stable word: ``idiom``, ``mixed``, ``several``, ``which``, ``everything``, ``person``, ``condition``, ``audience``, ``topic``.
        question: what to ask, in the person's language.
        about: the topic, where one was named.
    """

    why: str
    question: str
    language: str
    about: str | None = None
    kind: str = FORGET
    addressed: str | None = None


_QUESTIONS: Final = {
    ("idiom", ENGLISH): "Shall I forget what you said last, or did you only mean never mind?",
    ("idiom", GERMAN): "Soll ich vergessen, was du zuletzt gesagt hast, oder meintest du nur: schon gut?",
    ("mixed", ENGLISH): "Shall I forget what you said before, or only what you just corrected?",
    ("mixed", GERMAN): "Soll ich vergessen, was du davor gesagt hast, oder nur, was du eben berichtigt hast?",
    ("several", ENGLISH): "You asked for several things at once. Which one first?",
    ("several", GERMAN): "Du hast um mehreres zugleich gebeten. Womit soll ich anfangen?",
    ("which", ENGLISH): "Which part shall I forget? Tell me what it was about.",
    ("which", GERMAN): "Was genau soll ich vergessen? Sag mir, worum es ging.",
    ("everything", ENGLISH): "Shall I forget all of this conversation? Tell me what it was about, or ask for all of it to be erased.",
    ("everything", GERMAN): "Soll ich das ganze Gespräch vergessen? Sag mir, worum es ging, oder bitte um die Löschung von allem.",
    ("person", ENGLISH): "Erasing everything about you takes a confirmed request. Shall I pass it on?",
    ("person", GERMAN): "Alles über dich zu löschen braucht eine bestätigte Anfrage. Soll ich sie weitergeben?",
    ("condition", ENGLISH): "I can forget it now, but not depending on something. Shall I forget it now?",
    ("condition", GERMAN): "Ich kann es jetzt vergessen, aber nicht unter einer Bedingung. Soll ich es jetzt vergessen?",
    ("audience", ENGLISH): "What you tell me here stays here. Shall I also never mention it to you?",
    ("audience", GERMAN): "Was du mir hier sagst, bleibt hier. Soll ich es auch dir gegenüber nicht mehr erwähnen?",
    ("topic", ENGLISH): "Shall I forget what you told me about this?",
    ("topic", GERMAN): "Soll ich vergessen, was du mir darüber erzählt hast?",
}


def question(why: str, language: str) -> str:
    """Return what to ask; ``why`` is one of the words of ``Ambiguous``.

    >>> question("which", "en")
    'Which part shall I forget? Tell me what it was about.'
    """
    return _QUESTIONS[(why, language)]


def read_command(text: str, *, names: Collection[str] = ()) -> Command | Ambiguous | None:
    """Return the command a message is, what to ask when it may be one, or nothing.

    Args:
        text: the message.
        names: of the persona, which may begin a command without a comma.

    >>> read_command("Please forget what I said about my boss.")
    Command(kind='forget', about='my boss', language='en', addressed=None)
    >>> read_command("Sprich das bitte nicht mehr an!")
    Command(kind='hide', about=None, language='de', addressed=None)
    >>> read_command("I will never forget that day") is None
    True
    """
    if len(text) > LONGEST_TEXT:
        return None
    cleaned = _cleaned(text)
    if not forms.TRIGGER.search(cleaned):
        return None
    sentences = _sentences(cleaned)
    read = [_sentence(one, names) for one in sentences]
    found = [one for one in read if one is not None]
    if not found:
        return None
    first = found[0]
    if any((one.kind, one.about) != (first.kind, first.about) for one in found):
        return _ask("several", first.language, addressed=first.addressed)
    # beside other words "that" may be those words, and "forget that" a change of mind
    if len(found) < len(read) and isinstance(first, Command) and first.about is None:
        return _ask("mixed", first.language, kind=first.kind, addressed=first.addressed)
    return first


def _ask(why: str, language: str, *, about: str | None = None, kind: str = FORGET, addressed: str | None = None) -> Ambiguous:
    return Ambiguous(why=why, question=question(why, language), language=language, about=about, kind=kind, addressed=addressed)


def _cleaned(text: str) -> str:
    """Return the text in one form: composed letters, plain quotes, no pictures, no invisible characters."""
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'").replace("\u2018", "'").replace("\u00b4", "'").replace("`", "'")
    kept = (" " if unicodedata.category(one) in {"So", "Sk", "Cf", "Cs", "Co"} else one for one in text)
    return "".join(kept).replace("\t", " ").strip()


def _sentences(text: str) -> list[str]:
    """Return the sentences that say something; greetings and fillers alone are none."""
    parts = [" ".join(part.split()) for part in re.split(r"(?<=[.!?…;])\s+|[\r\n]+", text)]
    return [part for part in parts if part and not forms.FILLER_ONLY.fullmatch(part.strip(forms.MARKS))]


def _sentence(sentence: str, names: Collection[str]) -> Command | Ambiguous | None:
    if len(sentence) > LONGEST_SENTENCE:
        return None
    asked = sentence.rstrip(" )\"'").endswith("?")
    if sentence[0] in forms.QUOTES and sentence.rstrip(".!?…; ")[-1:] in forms.QUOTES:
        # somebody else's words
        return None
    body, addressed = _opened(sentence.strip(forms.MARKS), names)
    request = forms.REQUEST.match(body)
    if request:
        body = body[request.end() :]
    body = forms.CLOSING.sub("", body).strip(forms.MARKS)
    if not body or forms.NO_COMMAND.match(body):
        return None
    found = _matched(body, addressed)
    if asked and not request and isinstance(found, Command) and not forms.VERB_FINAL.match(body):
        return _ask("idiom", found.language, about=found.about, kind=found.kind, addressed=addressed)
    return found


def _opened(body: str, names: Collection[str]) -> tuple[str, str | None]:
    """Return the sentence without greetings, politeness and the name it begins with, and that name."""
    addressed = None
    body = forms.POLITE.sub(" ", body).strip(forms.MARKS)
    while True:
        filler = forms.FILLER.match(body)
        name = None if filler else forms.ADDRESS.match(body)
        if filler:
            body = body[filler.end() :]
        elif name and addressed is None:
            addressed, body = name["name"] or name["at"], body[name.end() :]
        elif addressed is None and (called := _called(body, names)) is not None:
            addressed, body = called, body[len(called) :].lstrip(forms.MARKS)
        else:
            return body.strip(forms.MARKS), addressed


def _called(body: str, names: Collection[str]) -> str | None:
    """Return the name a sentence begins with, if it is one of these and more follows."""
    return next((one for one in names if one and body.casefold().startswith(f"{one.casefold()} ")), None)


def _matched(body: str, addressed: str | None) -> Command | Ambiguous | None:
    for why, language, form in forms.AMBIGUOUS:
        match = form.fullmatch(body)
        if match:
            return _ask(why, language, about=match.groupdict().get("topic"), addressed=addressed)
    for kind, language, form in forms.FORMS:
        match = form.fullmatch(body)
        if match:
            return _command(kind, language, match.groupdict().get("topic"), addressed)
    return None


def _command(kind: str, language: str, topic: str | None, addressed: str | None) -> Command | Ambiguous | None:
    if topic is None:
        return Command(kind=kind, about=None, language=language, addressed=addressed)
    topic = _trimmed(topic)
    if forms.NEGATED_TOPIC.search(topic):
        return None
    if forms.THAT.fullmatch(topic):
        return Command(kind=kind, about=None, language=language, addressed=addressed)
    why = next((why for why, form in forms.UNCLEAR_TOPICS if form.search(topic)), None)
    if why is not None or not any(one.isalnum() for one in topic) or len(topic) > LONGEST_TOPIC:
        return _ask(why or "which", language, about=topic[:LONGEST_TOPIC] or None, kind=kind, addressed=addressed)
    return Command(kind=kind, about=topic, language=language, addressed=addressed)


def _trimmed(topic: str) -> str:
    before = None
    while before != topic:
        before = topic
        topic = forms.TAIL.sub("", topic).strip(forms.MARKS + "\"'")
    return topic
