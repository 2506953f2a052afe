"""What is answered to a command in a conversation, in the language it was given in; never a word of what it is about."""

from __future__ import annotations

from typing import Final

from backend_core.memory.commands import ENGLISH, GERMAN, question

FORGOT: Final = "forgot"
QUIET: Final = "quiet"
ASKED: Final = "asked"
NOTHING: Final = "nothing"
ALREADY: Final = "already"

_ANSWERS: Final = {
    (FORGOT, ENGLISH): "Forgotten. For 30 days it can still be brought back, then it is erased.",
    (FORGOT, GERMAN): "Vergessen. 30 Tage lang lässt es sich noch zurückholen, dann wird es gelöscht.",
    (QUIET, ENGLISH): "I will not bring it up.",
    (QUIET, GERMAN): "Ich spreche es nicht mehr an.",
    (NOTHING, ENGLISH): "I remember nothing about that here.",
    (NOTHING, GERMAN): "Darüber weiß ich hier nichts.",
    (ALREADY, ENGLISH): "That is forgotten already. If you mean something before it, tell me what it was about.",
    (ALREADY, GERMAN): "Das ist schon vergessen. Wenn du etwas davor meinst, sag mir, worum es ging.",
}
_UNCLEAR: Final = {
    ("whose", ENGLISH): "Somebody else said the last thing here. Tell me what yours was about.",
    ("whose", GERMAN): "Das Letzte hier hat jemand anderes gesagt. Sag mir, worum es bei dir ging.",
    ("part", ENGLISH): "I remember nothing about all of this, only about part of it. Which part shall I forget?",
    ("part", GERMAN): "Über all das zusammen weiß ich nichts, nur über einen Teil davon. Welchen soll ich vergessen?",
}


def answer(did: str, language: str) -> str:
    """Return what to answer when something was done, or nothing was there to do.

    >>> answer("quiet", "en")
    'I will not bring it up.'
    """
    return _ANSWERS[(did, language)]


def unclear(why: str, language: str = ENGLISH) -> str:
    """Return what to ask when a command does not say clearly what it means here."""
    return _UNCLEAR.get((why, language)) or question(why, language)
