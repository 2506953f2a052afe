"""Tell whether one fact contradicts another, by simple signs that show their reason: a negation, or another value for what has only one."""

from __future__ import annotations

import functools
from typing import Final

from backend_core.memory.terms import terms, words

# words that turn a sentence around; the stop words among them are no terms
_NEGATIONS: Final = frozenset(
    words(
        "not no never neither nobody nothing cannot don't didn't doesn't won't isn't wasn't aren't couldn't hasn't haven't stopped quit "
        "hates dislikes nicht kein keine keinen keiner nie niemals nichts niemand aufgehört hasst"
    )
)
# what a person has one of at a time
_SINGLE: Final = (
    "lives living moved born birthday birthdate named called works working job employer phone number email address age old married "
    "engaged favorite deadline appointment wohnt umgezogen geboren geburtstag heisst arbeitet beruf telefon nummer adresse alter "
    "verheiratet verlobt liebling termin frist"
)
_ALIKE: Final = 0.6


def contradicts(newer: str, older: str) -> bool:
    """Return whether ``newer`` says the opposite of ``older``, or another value for the same thing.

    >>> contradicts("Ana does not like coffee", "Ana likes coffee"), contradicts("Ana lives in Hamburg", "Ana lives in Berlin")
    (True, True)
    >>> contradicts("Ana lives in Berlin", "Ana works in Berlin"), contradicts("Ana likes tea", "Ana likes coffee")
    (False, False)
    """
    first, second = _statement(newer), _statement(older)
    if not first or not second or first[0] != second[0]:
        return False
    one, other = set(first), set(second)
    if _negated(newer) != _negated(older):
        return len(one & other) >= _ALIKE * len(one | other)
    only_one, only_other = one - other, other - one
    # both have a value, and little else differs
    return bool(one & other & _single() and only_one and only_other) and len(one & other) > max(len(only_one), len(only_other))


def _statement(text: str) -> list[str]:
    return [term for term in dict.fromkeys(terms(text)) if term not in _negation_terms()]


@functools.cache
def _single() -> frozenset[str]:
    return frozenset(terms(_SINGLE))


@functools.cache
def _negation_terms() -> frozenset[str]:
    return frozenset(terms(" ".join(sorted(_NEGATIONS))))


def _negated(text: str) -> bool:
    return not _NEGATIONS.isdisjoint(words(text))
