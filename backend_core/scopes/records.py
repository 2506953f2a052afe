"""What names a container, and what is known of it outside the database layer."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final

from backend_core.errors import InvalidInput

LONGEST_GUID: Final = 255
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
# also the marks of direction that come along when a number is copied from a page
_ORNAMENT: Final = re.compile(r"[\s().\u00a0\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufeff/-]+")
# written for callers of the same country; whoever calls from another leaves it out
_TRUNK: Final = re.compile(r"(?<=\d)\s*\(0\)")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class Direct:
    """The 1:1 talk of a contact with a persona.

    Attributes:
        user: the contact's id, or phone in any common form with its country code.
        persona: for example ``sage``.
    """

    user: uuid.UUID | str
    persona: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group chat, by the id its messenger gave it."""

    guid: str


Where = Direct | Group
"""What names a container; nothing else does, a tag least of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A privacy namespace: one contact with one persona, or one group.

    Attributes:
        public_id: stands for it in the audit log and in everything that leaves the database layer.
        tag: its label, which holds a phone number; show ``masked_tag``.
        user_id, persona_id: of a direct one.
        chat_guid: of a group.
        synthetic: made up by the privacy suite.
    """

    public_id: uuid.UUID
    kind: str
    tag: str
    user_id: uuid.UUID | None
    persona_id: str | None
    chat_guid: str | None
    conversation_id: uuid.UUID
    synthetic: bool = False

    @property
    def masked_tag(self) -> str:
        """The label with most of the phone number hidden."""
        if self.kind == "group" or self.persona_id is None:
            return self.tag
        phone = self.tag.removeprefix("user_").removesuffix(f"_persona_{self.persona_id}")
        return f"user_{masked(phone)}_persona_{self.persona_id}"


def masked(phone: str) -> str:
    """Return a phone number with only its country code and last digits.

    >>> masked("+15551234567")
    '+15•••••4567'
    """
    if len(phone) <= 3 + _SHOWN:
        return "•" * len(phone)
    return f"{phone[:3]}{'•' * 5}{phone[-_SHOWN:]}"


def phone_number(text: str) -> str:
    """Return a phone number in E.164.

    >>> phone_number("+1 (555) 123-4567"), phone_number("0044 (0)20 7946 0000")
    ('+15551234567', '+442079460000')

    Raises:
        InvalidInput: it is none, or its country code is missing.
    """
    bare = _ORNAMENT.sub("", _TRUNK.sub("", text.strip().translate(_DIGITS)))
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if not _E164.fullmatch(bare):
        raise InvalidInput("That is not a phone number with its country code, such as +44 20 7946 0000.")
    return bare


def persona_slug(text: str) -> str:
    """Return the id of a persona.

    Raises:
        InvalidInput: it holds anything but small letters, digits and hyphens, or is over 40 characters.
    """
    if not _SLUG.fullmatch(text):
        raise InvalidInput("The id of a persona is made of small letters, digits and hyphens, such as sage.")
    return text


def chat_guid(text: str) -> str:
    """Return the id of a group chat.

    Raises:
        InvalidInput: it is empty, over 255 characters, or holds control characters.
    """
    if not text.strip() or len(text) > LONGEST_GUID or not text.isprintable():
        raise InvalidInput("The id of a group chat is 1 to 255 visible characters.")
    return text


def direct_tag(phone: str, persona: str) -> str:
    """Return the label of a direct container.

    >>> direct_tag("+1 555 123 4567", "sage")
    'user_+15551234567_persona_sage'

    Raises:
        InvalidInput: not a phone number, or not the id of a persona.
    """
    return f"user_{phone_number(phone)}_persona_{persona_slug(persona)}"


def group_tag(guid: str) -> str:
    """Return the label of a group's container.

    >>> group_tag("iMessage;+;chat7316")
    'group_iMessage;+;chat7316'

    Raises:
        InvalidInput: not the id of a chat.
    """
    return f"group_{chat_guid(guid)}"


# digits of other scripts, as phones write them
_DIGITS: Final = {ord(zero) + n: str(n) for zero in "٠۰०０" for n in range(10)} | {ord("＋"): "+"}
