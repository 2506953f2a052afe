"""Passwords: which may be chosen, how they are kept, and a check that takes as long for a name nobody has."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from typing import TYPE_CHECKING, Final

from backend_core.errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 10
LONGEST: Final = 200
FEWEST_DIFFERENT: Final = 5
_TAILS: Final = re.compile(r"[^a-z]+")
# what is left of the commonest passwords of ten characters and more once digits and marks are gone
_STEMS: Final = """
abc abcd abcde abcdef abcdefg abcdefgh abcdefghij abcdefghijk admin administrator asdf asdfgh asdfghjkl autumn azerty azertyuiop
baseball batman changeme computer correcthorsebatterystaple default dragon football guest hallo hello iloveyou internet lectern
letmein login master michael monkey passw passwd passwort password passwordpassword princess pssword pssw psswd psswrd pssd passwrd
pswrd pwrd pd qazwsx qazwsxedc qwe qweasd qweasdzxc qwerty qwertyqwerty qwertyuiop qwertz qwertzuiop root secret shadow sommer
spring starwars summer sunshine superman temp temporary test testing testtest thequickbrownfox trustno user welcome whatever
willkommen winter yxcvbnm zxcvbnm
"""
_COMMON: Final = frozenset(_STEMS.split())


def normal(password: str) -> str:
    """Return the form that is hashed, so that one password typed on two keyboards is one password."""
    return unicodedata.normalize("NFKC", password)


def check_rules(password: str, *, names: tuple[str | None, ...]) -> str:
    """Return the normal form of a password that may be chosen.

    Args:
        names: of the person, which the password may not be.

    Raises:
        InvalidInput: it is too short, too long, a name, or among the commonest.
    """
    text = normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise InvalidInput(f"A password has {SHORTEST} to {LONGEST} characters.")
    if any(not (character.isprintable() or character == " ") for character in text):
        raise InvalidInput("A password has no control characters.")
    folded = text.casefold()
    letters = _TAILS.sub("", folded)
    taken = {normal(name).casefold() for name in names if name}
    if folded in taken or any(letters and letters == _TAILS.sub("", name) for name in taken):
        raise InvalidInput("A password is not the name or address of its owner.")
    digits_only = folded.isdigit() and (folded in "01234567890123456789" * 12 or folded in "98765432109876543210" * 12)
    if letters in _COMMON or digits_only or len(set(folded)) < FEWEST_DIFFERENT:
        raise InvalidInput("That password is among the first anybody would try; choose another one.")
    return text


class Passwords:
    """Argon2id with the library's parameters, which rise with its versions.

    Args:
        hasher: other parameters, for tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._given = hasher
        self._nobody = ""

    def _hasher(self) -> PasswordHasher:
        if self._given is None:
            # takes memory, and a window whose owner the operating system vouches for needs none of it
            from argon2 import PasswordHasher

            self._given = PasswordHasher()
        return self._given

    def hash(self, password: str) -> str:
        """Return what is kept of a password: hash, salt and parameters."""
        return self._hasher().hash(normal(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether ``password`` is the one that ``stored`` was made of; takes as long where nothing is stored."""
        from argon2.exceptions import InvalidHashError, VerificationError

        # what no keyboard types is as wrong as anything else
        text = normal(password)[: LONGEST + 1].encode("utf-8", "replace")
        try:
            return self._hasher().verify(stored or self._of_nobody(), text) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    def stale(self, stored: str) -> bool:
        """Tell whether ``stored`` was made with weaker parameters than today's."""
        return self._hasher().check_needs_rehash(stored)

    def _of_nobody(self) -> str:
        if not self._nobody:
            # put together, not computed: the first attempt with an unknown name must not take twice as long
            from argon2.low_level import ARGON2_VERSION

            made = self._hasher()
            salt, digest = (_unpadded(secrets.token_bytes(size)) for size in (made.salt_len, made.hash_len))
            cost = f"m={made.memory_cost},t={made.time_cost},p={made.parallelism}"
            self._nobody = f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"
        return self._nobody


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
