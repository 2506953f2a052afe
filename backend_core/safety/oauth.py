"""Renews contacts' tokens at services that speak OAuth 2, each set up once on the computer that does it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from backend_core.access.service import system_actor
from backend_core.credentials.token_records import Grant
from backend_core.errors import InvalidInput, SecretsLocked, Unavailable
from backend_core.policy import Actor, Target, authorize
from backend_core.safety.egress import Egress
from backend_core.safety.hosts import place_in
from backend_core.safety.secrets import Secrets
from backend_core.safety.transport import Request

PURPOSE: Final = "oauth"
LONGEST_LIFE_S: Final = 90 * 24 * 3600.0
USUAL_LIFE_S: Final = 3600.0
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_LONGEST: Final = 400


class OAuth2:
    """One service: exchanges a refresh token at its token endpoint (RFC 6749, section 6)."""

    def __init__(self, facts: Mapping[str, str], *, send: Callable[[Request], bytes]) -> None:
        self._facts = facts
        self._send = send

    def refresh(self, token: str) -> Grant:
        """Return a new grant.

        Raises:
            Unavailable: no answer, or none that is a grant.
            InvalidInput: the service will never take this token again.
        """
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self._facts["client_id"]}
        if self._facts.get("client_secret"):
            form["client_secret"] = self._facts["client_secret"]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return _grant(self._send(Request(url=self._facts["token_url"], body=urlencode(form).encode(), headers=headers)))


class OAuthServices:
    """The services that are set up on this computer."""

    def __init__(self, egress: Egress, *, secrets: Secrets) -> None:
        self._egress = egress
        self._secrets = secrets

    def find(self, name: str) -> OAuth2 | None:
        """Return the service of a name, or None where it is not set up here.

        Raises:
            SecretsLocked: the vault does not open, or what is kept is damaged.
        """
        if not _NAME.fullmatch(name):
            return None
        text = self._secrets.get(_secret(name))
        if text is None:
            return None
        try:
            facts = {str(key): str(value) for key, value in json.loads(text).items()}
            complete = {"token_url", "client_id"} <= set(facts)
        except (ValueError, AttributeError):
            complete = False
        if not complete:
            raise SecretsLocked("What is kept of this service is damaged; set it up again.")
        actor = system_actor()
        return OAuth2(facts, send=lambda request: self._egress.send(PURPOSE, request, actor=actor))

    def set_up(self, name: str, *, token_url: str, client_id: str, client_secret: str, actor: Actor) -> str:
        """Keep how a service is reached in the vault of this computer; return the host that tokens may be sent to once allowed.

        Raises:
            InvalidInput: no name, no https address, or no client id.
            SecretsLocked: the vault does not open.
        """
        authorize(actor, "token.save", Target(kind="token", id=name[:40]))
        place = place_in(token_url)
        given = (token_url, client_id, client_secret)
        if not _NAME.fullmatch(name) or not client_id or any(len(text) > _LONGEST or not text.isprintable() for text in given):
            raise InvalidInput("A service has a name of small letters, digits and hyphens, an address and a client id.")
        facts = {"token_url": token_url, "client_id": client_id, "client_secret": client_secret}
        self._egress.record_set_up(name, place.key, actor=actor)
        self._secrets.set(_secret(name), json.dumps(facts))
        return place.key


def _secret(name: str) -> str:
    return f"oauth.{name}"


def _grant(answer: bytes) -> Grant:
    try:
        found: dict[str, Any] = json.loads(answer)
        access, refresh = found["access_token"], found.get("refresh_token")
        life = min(float(found.get("expires_in") or USUAL_LIFE_S), LONGEST_LIFE_S)
        good = isinstance(access, str) and bool(access) and (refresh is None or isinstance(refresh, str)) and life > 0
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise Unavailable("The service gave an answer that is no token.")
    scopes = found.get("scope")
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=life)
    return Grant(access=access, refresh=refresh or None, expires_at=ends, scopes=scopes if isinstance(scopes, str) else "")
