"""Who judges a text: the protocol, and the moderation endpoint of OpenAI or of anything that speaks as it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from backend_core.errors import InvalidInput, Unavailable
from backend_core.safety.limits import CATEGORIES, MINORS, SELF_HARM
from backend_core.safety.transport import Request

PATH: Final = "/v1/moderations"
MODEL: Final = "omni-moderation-latest"
PIECE: Final = 8_000
"""Characters judged at once; the endpoint takes several pieces in one request."""
NOISE: Final = 0.005
"""The endpoint gives every text a score above 0 in every category; less than this says nothing, which matters where the limit is 0."""
_FAMILIES: Final[Mapping[str, str]] = {
    "hate": "hate",
    "hate/threatening": "hate",
    "harassment": "harassment",
    "harassment/threatening": "harassment",
    "sexual": "sexual",
    "sexual/minors": MINORS,
    "violence": "violence",
    "violence/graphic": "violence",
    "self-harm": SELF_HARM,
    "self-harm/intent": SELF_HARM,
    "self-harm/instructions": SELF_HARM,
}
"""The endpoint's eleven categories, and the six that have limits."""

Send = Callable[[Request], bytes]


class Moderator(Protocol):
    """Judges texts.

    Attributes:
        name: shown beside what it found.
        low_recall: it misses most.
    """

    name: str
    low_recall: bool

    def scores(self, text: str) -> Mapping[str, float]:
        """Return a score of 0 to 1 for every category.

        Raises:
            LecternError: it cannot judge.
        """
        ...


class OpenAIModeration:
    """The moderation endpoint of one host.

    Args:
        origin: such as ``https://api.openai.com``.
        key: of the account; None where the service asks for none.
        send: carries the request, if that is allowed.
        timeout_s: seconds until it counts as away; a message waits as long.
    """

    name = "openai"
    low_recall = False

    def __init__(self, origin: str, *, key: str | None, send: Send, timeout_s: float = 4.0) -> None:
        self._url = origin + PATH
        self._headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        self._send = send
        self._timeout_s = timeout_s

    def scores(self, text: str) -> Mapping[str, float]:
        """Return the scores of the worst piece of the text.

        Raises:
            Unavailable: no answer, or none that says something of every category.
            NotAllowed: nobody consented.
        """
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)] or [""]
        body = json.dumps({"model": MODEL, "input": pieces}).encode()
        try:
            answer = self._send(Request(url=self._url, body=body, headers=self._headers, timeout_s=self._timeout_s))
        except InvalidInput as error:
            # a wrong key is no fault of the text: the service counts as away until somebody mends it
            raise Unavailable(str(error)) from None
        return _worst(answer, pieces=len(pieces))


class Unreachable:
    """The judge that was chosen, but cannot be asked from this computer."""

    name = OpenAIModeration.name
    low_recall = False

    def scores(self, text: str) -> Mapping[str, float]:  # noqa: ARG002  # the protocol's signature
        """Refuse."""
        raise Unavailable("The key of the moderation service is not kept on this computer.")


def _worst(answer: bytes, *, pieces: int) -> dict[str, float]:
    """Return the highest score of each family over all pieces."""
    try:
        results = json.loads(answer)["results"]
        found = [_families(result) for result in results]
        complete = len(found) == pieces and all(set(one) == set(CATEGORIES) for one in found)
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise Unavailable("The service gave an answer that says nothing of some category.")
    return {name: max(one[name] for one in found) for name in CATEGORIES}


def _families(result: Mapping[str, Any]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for name, family in _FAMILIES.items():
        if name not in result["category_scores"]:
            continue
        score = float(result["category_scores"][name])
        if not 0 <= score <= 1:
            raise ValueError(name)
        flagged = result.get("categories", {}).get(name) is True
        # what the service itself flags counts, however small the number
        plain = max(score, NOISE) if flagged else (score if score >= NOISE else 0.0)
        scores[family] = max(scores.get(family, 0.0), plain)
    return scores
