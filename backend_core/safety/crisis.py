"""The fixed answer to somebody who may harm themselves; no model writes or changes it."""

from __future__ import annotations

from typing import Final

_REPLY: Final = {
    "en": (
        "I'm really glad you told me, and I'm sorry it hurts this much. You don't have to go through this alone, and a person can help more"
        " than I can. In the US you can call or text 988 (Suicide & Crisis Lifeline) at any hour, or text HOME to 741741 (Crisis Text"
        " Line).{local} If you are in danger right now, please call your local emergency number."
    ),
    "de": (
        "Ich bin sehr froh, dass du mir das sagst, und es tut mir leid, dass es so weh tut. Du musst da nicht allein durch, und ein Mensch"
        " kann dir mehr helfen als ich. In den USA erreichst du rund um die Uhr 988 (Suicide & Crisis Lifeline), oder schreib HOME an"
        " 741741 (Crisis Text Line).{local} Wenn du gerade in Gefahr bist, ruf bitte den örtlichen Notruf an."
    ),
}
_LOCAL: Final = {"en": " Near you: {line}.", "de": " In deiner Nähe: {line}."}


def crisis_reply(*, local_line: str = "", language: str = "en") -> str:
    """Return the answer, with the house's own help line where there is one; in English unless ``language`` begins with ``de``."""
    spoken = "de" if language.casefold().startswith("de") else "en"
    line = " ".join(local_line.split()).rstrip(".")
    # not str.format twice: what an administrator typed is text, not a pattern
    local = _LOCAL[spoken].replace("{line}", line) if line else ""
    return _REPLY[spoken].replace("{local}", local)
