"""Personas, and the conversations of named people that are there in every sample: what stays where shows in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend_core.seed.talk import Thread


@dataclass(frozen=True, slots=True)
class Story:
    """A conversation with named people, there in every sample.

    Attributes:
        people: names; in a group the members ``a``, ``b``, ``c``, otherwise the contact.
        title: of a group; None for direct talk.
        reminder: what the persona is asked to say in a week.
    """

    people: tuple[str, ...]
    persona: str
    title: str | None
    thread: Thread
    reminder: str | None = None


STORIES: Final = (
    Story(
        ("Maya Carter",),
        "sage",
        None,
        (
            ("u", "between us: Jordan never does the dishes and I'm so tired of it"),
            ("p", "That sounds wearing. Have you said so?"),
            ("u", "no, I don't want a fight in the flat. please keep it to yourself"),
            ("p", "I will. Shall we find words you could use one day?"),
            ("u", "maybe later. thank you for listening"),
        ),
    ),
    Story(
        ("Maya Carter", "Jordan Lewis", "Alice Reid"),
        "sage",
        "Flat 12 house chat",
        (
            ("a", "cleaning rota for December is on the fridge"),
            ("b", "cool, I take the bathroom"),
            ("c", "kitchen for me"),
            ("b", "@sage is there anything Maya wants from us?"),
            ("p", "Only the rota she put up, as far as this chat goes."),
        ),
    ),
    Story(
        ("Owen Shah", "Priya Patel", "Maya Carter"),
        "sage",
        "Alice turns 30 (shh)",
        (
            ("a", "surprise party for Alice: Saturday 12 December, 7 pm, boathouse"),
            ("b", "I bake the lemon cake, she must not know"),
            ("c", "I tell her we're going to the cinema"),
            ("p", "Noted for this chat alone: boathouse, 7 pm, lemon cake, cinema as the excuse."),
        ),
        "Priya, the lemons for the cake!",
    ),
    Story(
        ("Alice Reid",),
        "sage",
        None,
        (
            ("u", "do you know what everybody is doing on the 12th? they're all being weird"),
            ("p", "I have nothing about that from you. What would you like to do?"),
            ("u", "cinema with Maya I think"),
            ("p", "Enjoy the film."),
        ),
    ),
    Story(
        ("Owen Shah",),
        "luna",
        None,
        (
            ("u", "I start therapy on Monday, nobody knows yet"),
            ("p", "That takes courage. It stays here."),
            ("u", "thanks. 9:30, Harbour Street practice"),
        ),
        "9:30, Harbour Street practice. You can do this.",
    ),
    Story(
        ("Owen Shah", "Jack Walker"),
        "echo",
        "Project Falcon",
        (
            ("a", "Falcon launches on 3 February, not a word outside this chat"),
            ("b", "got it. budget is 48k"),
            ("p", "Kept here: Falcon, 3 February, 48k."),
        ),
    ),
    Story(
        ("Lena Schneider",),
        "echo",
        None,
        (
            ("u", "unter uns: ich habe mich in Hamburg beworben, in der WG weiß es niemand"),
            ("p", "Das bleibt hier. Wann ist das Gespräch?"),
            ("u", "am 9. Dezember um 14:00"),
        ),
    ),
)

PERSONAS: Final = {
    "sage": (
        "Sage",
        {"tone": "calm and warm", "asks": "one question at a time", "languages": "as the contact writes", "never": "gives medical advice"},
    ),
    "echo": (
        "Echo",
        {"tone": "brisk and funny", "asks": "what happened next", "languages": "as the contact writes", "never": "repeats a secret"},
    ),
    "luna": ("Luna", {"tone": "gentle, late at night", "asks": "how it felt", "languages": "as the contact writes", "never": "hurries"}),
}
