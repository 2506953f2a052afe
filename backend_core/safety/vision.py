"""Ask another computer what a photo shows, where somebody consented to sending photos there."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

from backend_core.access.service import system_actor
from backend_core.conversations.pictures.reader import one_line
from backend_core.errors import InvalidInput, NotAllowed, Unavailable
from backend_core.safety.breaker import Breaker
from backend_core.safety.egress import VISION, Egress
from backend_core.safety.hosts import place_of
from backend_core.safety.secrets import Secrets
from backend_core.safety.transport import Request

PATH: Final = "/v1/chat/completions"
SECRET: Final = "vision.key"  # noqa: S105  # the name, not the key
MODEL: Final = "gpt-4o-mini"
QUESTION: Final = "Describe this photo in one or two plain sentences. Name no person."
TIMEOUT_S: Final = 20.0
LARGEST: Final = 8 * 2**20
LONGEST_ANSWER: Final = 400
MOST_TOKENS: Final = 120


class Vision:
    """The vision endpoint of the host that photos may go to; any that speaks as OpenAI's does."""

    def __init__(self, egress: Egress, *, secrets: Secrets, breaker: Breaker | None = None) -> None:
        self._egress = egress
        self._secrets = secrets
        self._breaker = breaker or Breaker("vision")

    def describe(self, path: Path, content_type: str) -> str | None:
        """Return what a photo shows; None where nobody consented to asking.

        Raises:
            Unavailable: no answer, or the key is missing.
        """
        hosts = self._egress.hosts(VISION)
        if not hosts:
            return None
        place, key = place_of(hosts[0]), self._secrets.get(SECRET)
        if key is None and not place.loopback:
            raise Unavailable("The key of the vision service is not kept on this computer.")
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        request = Request(url=place.origin + PATH, body=_body(path, content_type), headers=headers, timeout_s=TIMEOUT_S)
        try:
            answer = self._breaker.call(lambda: self._egress.send(VISION, request, actor=system_actor()))
        except (InvalidInput, NotAllowed) as error:
            raise Unavailable(str(error)) from None
        return _said(answer)


def _body(path: Path, content_type: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        raise Unavailable("The photo cannot be read.") from None
    if len(content) > LARGEST:
        raise InvalidInput("The photo is too large to be sent.")
    url = f"data:{content_type};base64,{base64.b64encode(content).decode()}"
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    return json.dumps({"model": MODEL, "max_tokens": MOST_TOKENS, "messages": [{"role": "user", "content": parts}]}).encode()


def _said(answer: bytes) -> str:
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, TypeError, IndexError):
        text = None
    plain = one_line(text, longest=LONGEST_ANSWER) if isinstance(text, str) else ""
    if not plain:
        raise Unavailable("The vision service gave an answer that says nothing.")
    return plain if plain.endswith((".", "!", "?", "…")) else plain + "."
