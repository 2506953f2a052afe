"""Sends one request over https and takes one answer: no redirects, no retries, nothing large, certificates checked."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from backend_core.errors import InvalidInput, LimitReached, Unavailable
from backend_core.safety.hosts import place_in, refuse_wrong_addresses

if TYPE_CHECKING:
    import urllib3

LONGEST_ANSWER: Final = 8 * 2**20
PART: Final = 2**16
CONNECT_S: Final = 5.0
_OK: Final = range(200, 300)
_BUSY: Final = (408, 425, 429)
_NO_KEY: Final = (401, 403)
_OURS: Final = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST.

    Attributes:
        headers: may hold a key; never logged.
        timeout_s: seconds until the whole answer must be there.
    """

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 10.0


class Transport(Protocol):
    """Carries requests."""

    def post(self, request: Request) -> bytes:
        """Return the body of the answer.

        Raises:
            Unavailable: no answer, or one that says the service has a problem.
            InvalidInput: the service does not accept the request.
        """
        ...


class Https:
    """The network.

    Args:
        ca_file: certificates to trust instead of the system's.
    """

    def __init__(self, *, ca_file: str | None = None) -> None:
        self._ca_file = ca_file

    def post(self, request: Request) -> bytes:
        """Return the body of the answer; see ``Transport``."""
        import urllib3

        refuse_wrong_addresses(place_in(request.url))
        until = time.monotonic() + request.timeout_s
        timeout = urllib3.Timeout(connect=min(CONNECT_S, request.timeout_s), read=request.timeout_s)
        try:
            answer = self._pool.request(
                "POST", request.url, body=request.body, headers=dict(request.headers), timeout=timeout, preload_content=False
            )
            try:
                content = _read(answer, until=until)
            finally:
                # one that was read whole has given its connection back before
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            # its text may quote the address and what was sent
            raise Unavailable("The service does not answer.") from None
        _refuse(answer.status)
        if len(content) > LONGEST_ANSWER:
            raise LimitReached("The answer of the service is too large.")
        return content

    @functools.cached_property
    def _pool(self) -> urllib3.PoolManager:
        import urllib3

        return urllib3.PoolManager(num_pools=4, maxsize=4, retries=False, ca_certs=self._ca_file)


def _read(answer: urllib3.BaseHTTPResponse, *, until: float) -> bytes:
    """Return the body, or a little more than is allowed of it; each part may come in time and the whole never.

    Raises:
        TimeoutError: it was not there at ``until``, on the monotonic clock.
    """
    parts, size = list[bytes](), 0
    while size <= LONGEST_ANSWER and (part := answer.read1(PART, decode_content=True)):
        if time.monotonic() > until:
            raise TimeoutError
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _refuse(status: int) -> None:
    if status in _OK:
        return
    if status in _NO_KEY:
        raise InvalidInput("The service does not accept the key that is kept for it.")
    if status in _OURS and status not in _BUSY:
        raise InvalidInput(f"The service refuses the request with status {status}.")
    raise Unavailable(f"The service answered with status {status}.")
