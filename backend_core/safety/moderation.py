"""Judge a text: local rules always, a better judge where one is allowed, and what holds when that one is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend_core.errors import LecternError
from backend_core.logs import get_logger
from backend_core.safety.breaker import Breaker
from backend_core.safety.crisis import crisis_reply
from backend_core.safety.limits import LIMITS, MINORS, SELF_HARM, Action, Direction, Score, Verdict, judged
from backend_core.safety.providers import Moderator
from backend_core.safety.rules import LocalRules

log = get_logger(__name__)


class Moderation:
    """The rules of one process.

    Args:
        remote: returns the better judge, or None where nobody allowed one.
        local: the judge that is always there.
        breaker: of the better judge.
        crisis_line: returns the house's own help line, or nothing.
    """

    def __init__(
        self,
        *,
        remote: Callable[[], Moderator | None] = lambda: None,
        local: LocalRules | None = None,
        breaker: Breaker | None = None,
        crisis_line: Callable[[], str] = str,
    ) -> None:
        self._remote = remote
        self._local = local or LocalRules()
        self.breaker = breaker or Breaker("moderation")
        self._crisis_line = crisis_line

    def check(self, text: str, direction: Direction = "input", *, language: str = "en") -> Verdict:
        """Return what to do with a text; it is not kept anywhere.

        Where the better judge is away, ``minors`` fails closed: whatever may concern somebody young is blocked until a person has looked.
        Everything else the local rules let through passes as ``unchecked``.
        """
        local, remote = self._local.scores(text), self._remote()
        if remote is None:
            return self._verdict(judged(local, direction), direction, self._local.name, language=language, low_recall=True)
        name = f"{remote.name}+{self._local.name}"
        try:
            better = self.breaker.call(lambda: remote.scores(text))
        except LecternError as error:
            log.info("moderation fell back to local rules", error_code=error.code)
            return self._without(text, local, direction, name, language=language)
        # the stricter of the two: what a plain rule finds is there
        scores = {category: max(score, local.get(category, 0.0)) for category, score in better.items()}
        return self._verdict(judged(scores, direction), direction, name, language=language, low_recall=remote.low_recall)

    def _without(self, text: str, local: Mapping[str, float], direction: Direction, name: str, *, language: str) -> Verdict:
        found = judged(local, direction)
        if self._local.may_concern_minors(text) and not local.get(MINORS):
            unknown = Score(category=MINORS, score=None, limit=LIMITS[direction][MINORS])
            found = tuple(unknown if one.category == MINORS else one for one in found)
        return self._verdict(found, direction, name, language=language, low_recall=True, otherwise="unchecked")

    def _verdict(
        self,
        found: tuple[Score, ...],
        direction: Direction,
        provider: str,
        *,
        language: str,
        low_recall: bool,
        otherwise: Action = "allowed",
    ) -> Verdict:
        over = {one.category for one in found if one.over}
        in_crisis = SELF_HARM in over and direction == "input"
        action: Action = otherwise if not over else "crisis" if in_crisis and MINORS not in over else "blocked"
        reply = crisis_reply(local_line=self._crisis_line(), language=language) if in_crisis else None
        return Verdict(action=action, direction=direction, categories=found, provider=provider, low_recall=low_recall, crisis_reply=reply)
