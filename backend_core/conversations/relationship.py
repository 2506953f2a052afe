"""How well a persona and a contact know each other: trust and rapport from 0 to 100, moved a little by each message.

The rule. What a contact writes to a persona in a direct conversation adds

* to trust: 1 with the first message of a day (UTC), and 2 when the message confides something (a feeling, a worry, a secret);
* to rapport: 1 when it jokes or laughs, 1 when it thanks or cheers, and 1 with every tenth message.

Nothing lowers either; both end at 100. The stage follows the mean of the two, rounded down: stranger up to 20, acquaintance up to 50,
friend up to 80, best friend above. Group conversations move nothing: what is said there stays there.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from backend_core.conversations.tables import relationship_state
from backend_core.db.changes import touch
from backend_core.scopes.service import Scope

TOP: Final = 100
STAGES: Final = (("stranger", 20), ("acquaintance", 50), ("friend", 80), ("best_friend", TOP))
"""Each stage with the highest mean of trust and rapport that belongs to it."""

CONFIDES: Final = 2
EVERY: Final = 10

_FEELINGS: Final = (
    # en, de
    r"i(?:'m| am| feel| felt|'ve been) (?:so |really |a bit )?(?:scared|afraid|sad|lonely|worried|anxious|ashamed|nervous|hurt)",
    r"never told any\w*", r"(?:just|only) between (?:us|you and me)", r"my secret", r"i trust you", r"don'?t tell any\w*",
    r"ich (?:habe|hab) (?:solche |echt |ziemlich )?angst", r"ich bin (?:so |echt |ganz )?(?:traurig|einsam|nervös|besorgt|verletzt)",
    r"(?:noch )?niemandem (?:je )?(?:gesagt|erzählt)", r"unter uns", r"mein geheimnis", r"ich (?:vertraue dir|mache mir sorgen)",
    # fr, es, it, pt
    r"j'ai (?:très |vraiment )?peur", r"je (?:suis|me sens) (?:si |très |un peu )?(?:triste|seule?|inqui[eè]te?|anxieu\w+)", r"entre nous",
    r"jamais dit à personne", r"tengo (?:mucho )?miedo", r"(?:estoy|me siento) (?:muy |tan )?(?:triste|sol[oa]|nervios[oa]|preocupad[oa])",
    r"nunca se lo he (?:dicho|contado)", r"entre nosotr[oa]s", r"ho (?:tanta )?paura", r"mi sento (?:così |molto )?(?:triste|sol[oa])",
    r"non l'ho mai detto", r"tenho (?:muito )?medo", r"estou (?:muito |tão )?(?:triste|preocupad[oa]|nervos[oa])", r"nunca contei",
    # el, ru, tr
    r"φοβάμαι", r"νιώθω (?:τόσο |πολύ )?(?:μόν\w+|λύπη)", r"δεν το έχω πει",
    r"мне (?:очень |так )?(?:страшно|грустно|одиноко)", r"я (?:боюсь|переживаю)", r"никому не (?:говорил|рассказывал)\w*",
    r"korkuyorum", r"yalnız hissediyorum",
)  # fmt: skip
_JOKES: Final = (
    r"\b(?:a?ha(?:ha)+|h[ei]h[ei]\w*|lo+l|lmao|rofl|xd|mdr|jaja\w*|rs(?:rs)+|kkk+|χαχα\w*|ахах\w*|(?:ха){2,})\b", r"\bjust kidding\b",
    r"\bnur spa(?:ß|ss)\b", r"\bje plaisante\b", r"\bes broma\b", r"\bscherzo\b", "[😂🤣😆😹😜😝]",
)  # fmt: skip
_THANKS: Final = (
    r"\b(?:thank(?:s| you)|cheers|love (?:it|that|this|you)|you'?re the best|great idea|well done)\b",
    r"\b(?:danke\w*|vielen dank|super idee|du bist (?:die|der) beste)\b", r"\bmerci\b", r"\bg(?:racias|razie)\b", r"\bobrigad[oa]\b",
    r"ευχαριστώ", r"спасибо", r"\bteşekkür\w*", r"ありがとう", "谢谢", r"شكر[اً]", "[❤🥰😍🙏🎉💛💙👏]",
)  # fmt: skip


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CONFIDING, _JOKING, _THANKING = _any(_FEELINGS), _any(_JOKES), _any(_THANKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How well a persona and a contact know each other.

    Attributes:
        trust: 0 to 100.
        rapport: 0 to 100.
        stage: ``stranger``, ``acquaintance``, ``friend`` or ``best_friend``.
        messages: how many messages moved it.
        updated_at: time of the latest of them; None before the first.
    """

    trust: int
    rapport: int
    stage: str
    messages: int
    updated_at: dt.datetime | None


STRANGERS: Final = Relationship(trust=0, rapport=0, stage=STAGES[0][0], messages=0, updated_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a message shows, apart from when it was written."""

    confides: bool
    jokes: bool
    thanks: bool


def signals(text: str) -> Signals:
    """Return what a message shows.

    >>> signals("I've never told anyone, but thank you 😂")
    Signals(confides=True, jokes=True, thanks=True)
    """
    text = text.replace("\u2019", "'")
    return Signals(confides=bool(_CONFIDING.search(text)), jokes=bool(_JOKING.search(text)), thanks=bool(_THANKING.search(text)))


def stage(trust: int, rapport: int) -> str:
    """Return the stage for a trust and a rapport between 0 and 100.

    >>> [stage(20, 21), stage(21, 21), stage(51, 50), stage(51, 51), stage(80, 81), stage(81, 81)]
    ['stranger', 'acquaintance', 'acquaintance', 'friend', 'friend', 'best_friend']
    """
    mean = (trust + rapport) // 2
    return next(name for name, highest in STAGES if mean <= highest)


def moved(before: Relationship, shown: Signals, at: dt.datetime) -> Relationship:
    """Return the relationship after one more message, written at ``at`` (UTC)."""
    first_today = before.updated_at is None or before.updated_at.date() < at.date()
    messages = before.messages + 1
    trust = min(TOP, before.trust + first_today + CONFIDES * shown.confides)
    rapport = min(TOP, before.rapport + shown.jokes + shown.thanks + (messages % EVERY == 0))
    latest = at if before.updated_at is None else max(before.updated_at, at)
    return Relationship(trust=trust, rapport=rapport, stage=stage(trust, rapport), messages=messages, updated_at=latest)


# one statement, so that two messages at the same moment both count; the same rule as ``moved``
_MOVE: Final = text(
    """
    INSERT INTO relationship_state AS r (container_id, user_id, persona_id, trust, rapport, stage, messages, updated_at)
    VALUES (:container, :user_id, :persona, 1 + :confides, :warmth, 'stranger', 1, :at)
    ON CONFLICT (container_id) DO UPDATE
       SET (trust, rapport, stage, messages, updated_at) = (
               SELECT new.trust, new.rapport,
                      CASE WHEN (new.trust + new.rapport) / 2 <= 20 THEN 'stranger'
                           WHEN (new.trust + new.rapport) / 2 <= 50 THEN 'acquaintance'
                           WHEN (new.trust + new.rapport) / 2 <= 80 THEN 'friend'
                           ELSE 'best_friend' END,
                      r.messages + 1, greatest(r.updated_at, excluded.updated_at)
                 FROM (SELECT least(100, r.trust + :confides + (day.before < day.now)::int) AS trust,
                              least(100, r.rapport + :warmth + ((r.messages + 1) % 10 = 0)::int) AS rapport
                         FROM (SELECT (r.updated_at AT TIME ZONE 'UTC')::date AS before,
                                      (excluded.updated_at AT TIME ZONE 'UTC')::date AS now) AS day) AS new)
    """
).bindparams(bindparam("at", type_=TIMESTAMP(timezone=True)))


def move(scope: Scope, body: str, at: dt.datetime) -> None:
    """Let one message of the contact move the relationship of a direct scope; a group has none."""
    if scope.container.user_id is None:
        return
    shown = signals(body)
    facts = {"container": scope.container_id, "user_id": scope.container.user_id, "persona": scope.container.persona_id, "at": at}
    scope.conn.execute(_MOVE, facts | {"confides": CONFIDES * shown.confides, "warmth": shown.jokes + shown.thanks})
    touch(scope.conn, relationship_state.name)


def read(scope: Scope) -> Relationship:
    """Return the relationship of a direct scope in one look-up; strangers where nothing was written yet."""
    state = relationship_state.c
    columns = [state[name] for name in Relationship.__dataclass_fields__]
    whose = (state.user_id == scope.container.user_id, state.persona_id == scope.container.persona_id)
    found = scope.conn.execute(select(*columns).where(state.container_id == scope.container_id, *whose)).one_or_none()
    return STRANGERS if found is None else Relationship(**found._mapping)
