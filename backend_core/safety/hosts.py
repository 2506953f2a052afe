"""Where text may be sent at all: names of hosts, and addresses nothing is ever sent to."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from backend_core.errors import InvalidInput, Unavailable

_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_PORT: Final = {"https": 443, "http": 80}
LARGEST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Place:
    """One host a request goes to.

    Attributes:
        key: how consent and ledger call it: the name, with the port where it is not 443.
        loopback: this computer.
    """

    host: str
    port: int
    loopback: bool

    @property
    def key(self) -> str:
        """Return the name, with the port where it is not the usual one."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORT["https"] else f"{shown}:{self.port}"

    @property
    def origin(self) -> str:
        """Return the beginning of its addresses: https, and plain http only on this computer where no certificate is needed."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "http" if self.loopback and self.port != _PORT["https"] else "https"
        return f"{scheme}://{shown}" if self.port == _PORT[scheme] else f"{scheme}://{shown}:{self.port}"


def place_of(host: str) -> Place:
    """Return the place that a person means by ``name`` or ``name:port``.

    Raises:
        InvalidInput: no host, or one that nothing is sent to.

    >>> place_of("API.OpenAI.com").key, place_of("localhost:11434").origin
    ('api.openai.com', 'http://localhost:11434')
    """
    text = host.strip()
    try:
        parts = urlsplit(f"//{text}")
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _unusable() from None
    if not text or parts.path or parts.query or parts.fragment or "@" in text or "\\" in text:
        raise _unusable()
    name = _ascii(name)
    number = _PORT["https"] if port is None else port
    if not 1 <= number <= LARGEST_PORT:
        raise _unusable()
    return Place(host=name, port=number, loopback=_checked(name))


def place_in(url: str) -> Place:
    """Return the place of an address.

    Raises:
        InvalidInput: not https, names a user, or nothing is sent there; plain http is fine on this computer only.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unusable() from None
    if parts.scheme not in _PORT or parts.username is not None or parts.password is not None or not parts.hostname:
        raise _unusable()
    shown = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = place_of(f"{shown}:{port or _PORT[parts.scheme]}")
    if parts.scheme == "http" and not place.loopback:
        raise InvalidInput("Text is sent over https only.")
    return place


def refuse_wrong_addresses(place: Place) -> None:
    """Refuse a name that leads to an address no service has, such as the one where a cloud keeps its secrets.

    Raises:
        Unavailable: the name is not known.
        InvalidInput: it leads there.
    """
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unavailable("The host is not known here.") from None
    for entry in found:
        address = ipaddress.ip_address(str(entry[4][0]).partition("%")[0])
        if _never(address) or (address.is_loopback and not place.loopback):
            raise _unusable()


def _ascii(name: str) -> str:
    if ":" in name:
        return name
    try:
        plain = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _unusable() from None
    if not _NAME.fullmatch(plain):
        raise _unusable()
    return plain


def _checked(name: str) -> bool:
    """Return whether it is this computer."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if name.rpartition(".")[2].isdigit():
            # 127.1 and the like: what a resolver makes of them is not what people read
            raise _unusable() from None
        return name == "localhost"
    if _never(address):
        raise _unusable()
    return address.is_loopback


def _never(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
    return plain.is_link_local or plain.is_multicast or plain.is_unspecified


def _unusable() -> InvalidInput:
    return InvalidInput("That is not a host text can be sent to; give a name such as api.example.com.")
