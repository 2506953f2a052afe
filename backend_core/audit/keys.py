"""The Ed25519 keys that sign seals: each host its own, introduced by one that was trusted before, every step a signed row."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import socket
from collections.abc import Iterable
from typing import Final, Protocol

from sqlalchemy import Connection, func, insert, select

from backend_core.audit.key_statements import INTRODUCED, REQUESTED, RETIRED, KeyStatement, key_id_of
from backend_core.audit.tables import audit_key, audit_seal
from backend_core.errors import NotFound, Unavailable

SECRET: Final = "audit-seal-key"  # noqa: S105  # the name, not the key
NEXT_SECRET: Final = "audit-seal-key.next"  # noqa: S105  # the name, not the key
UNKNOWN: Final = "This computer's sealing key is not known to the audit log; have it introduced where the log was sealed before."


class KeyStore(Protocol):
    """Where this host keeps secrets; the vault of the home is one."""

    def get(self, name: str) -> str | None:
        """Return the secret, or nothing."""
        ...

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""
        ...


class SealKey:
    """A private key and the id of its public part."""

    def __init__(self, secret: bytes | None = None) -> None:
        """Take 32 bytes, or make a new key."""
        # 6 MB that only a process which signs has to hold
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private = Ed25519PrivateKey.generate() if secret is None else Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()
        self.id = key_id_of(self.public)

    def sign(self, payload: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(payload)

    def text(self) -> str:
        """Return the private key as text for a key store."""
        return base64.b64encode(self._private.private_bytes_raw()).decode()

    @classmethod
    def parse(cls, text: str) -> SealKey:
        """Return the key of a text.

        Raises:
            Unavailable: no such key.
        """
        try:
            return cls(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            raise Unavailable("The sealing key of this computer cannot be read.") from None


def statements(conn: Connection) -> tuple[KeyStatement, ...]:
    """Return every statement in order."""
    columns = [audit_key.c[name] for name in KeyStatement.__dataclass_fields__]
    return tuple(KeyStatement(**row) for row in conn.execute(select(*columns).order_by(audit_key.c.id)).mappings())


def introduced(found: Iterable[KeyStatement]) -> frozenset[str]:
    """Return the keys that may sign now, signatures not looked at."""
    good: set[str] = set()
    for one in found:
        if one.event == INTRODUCED:
            good.add(one.key_id)
        elif one.event == RETIRED:
            good.discard(one.key_id)
    return frozenset(good)


class Keys:
    """The sealing key of this host."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._own: SealKey | None = None

    def own(self) -> SealKey:
        """Return this host's key; made when there is none.

        Raises:
            Unavailable: the store is locked or holds something else.
        """
        if self._own is None:
            text = self._store.get(SECRET)
            made = SealKey() if text is None else SealKey.parse(text)
            if text is None:
                self._store.set(SECRET, made.text())
            self._own = made
        return self._own

    def sign(self, payload: bytes) -> tuple[str, bytes]:
        """Return the id of this host's key and its signature."""
        own = self.own()
        return own.id, own.sign(payload)

    def ready(self, conn: Connection) -> SealKey | None:
        """Return this host's key when it may seal; a first key introduces itself, one nobody knows asks to be introduced."""
        known = statements(conn)
        own = self.own()
        if own.id in introduced(known):
            return own
        if not any(one.event == INTRODUCED for one in known):
            self._state(conn, own, INTRODUCED, by=own)
            return own
        following = self._promoted(introduced(known))
        if following is None and not any(one.key_id == own.id for one in known):
            self._state(conn, own, REQUESTED, by=own)
        return following

    def rotate(self, conn: Connection) -> str:
        """Replace this host's key in the transaction of ``conn``: the old one introduces the new one and retires; return its id.

        Raises:
            Unavailable: the old key may not sign, so nobody would believe it.
        """
        old = self.ready(conn)
        if old is None:
            raise Unavailable(UNKNOWN)
        new = SealKey()
        # kept before the database knows it: whichever of the two survives a crash, one key is left that may sign
        self._store.set(NEXT_SECRET, new.text())
        # in this order: without the first statement the second has a number that does not follow
        self._state(conn, old, RETIRED, by=old)
        self._state(conn, new, INTRODUCED, by=old)
        return new.id

    def settle(self, conn: Connection) -> None:
        """Use the new key after a rotation was committed."""
        self._promoted(introduced(statements(conn)))

    def introduce(self, conn: Connection, key_id: str) -> None:
        """Vouch with this host's key for the key of another host that asked.

        Raises:
            NotFound: no such key asked.
            Unavailable: this host's own key may not sign.
        """
        known = statements(conn)
        asked = next((one for one in known if one.event == REQUESTED and one.key_id == key_id), None)
        if asked is None or key_id in introduced(known):
            raise NotFound("No key with this name asks to be introduced.")
        own = self.own()
        if own.id not in introduced(known):
            raise Unavailable(UNKNOWN)
        self._add(conn, asked.key_id, asked.public, INTRODUCED, by=own, host=asked.host)

    def adopt(self, conn: Connection) -> str:
        """Let this host's key introduce itself where no key that was known before is left; verification tells everybody so."""
        own = self.own()
        if own.id not in introduced(statements(conn)):
            self._state(conn, own, INTRODUCED, by=own)
        return own.id

    def _promoted(self, good: frozenset[str]) -> SealKey | None:
        text = self._store.get(NEXT_SECRET)
        following = None if not text else SealKey.parse(text)
        if following is None or following.id not in good:
            return None
        self._store.set(SECRET, following.text())
        self._own = following
        return following

    def _state(self, conn: Connection, key: SealKey, event: str, *, by: SealKey) -> None:
        self._add(conn, key.id, key.public, event, by=by, host=socket.gethostname()[:200])

    def _add(self, conn: Connection, key_id: str, public: bytes, event: str, *, by: SealKey, host: str) -> None:
        number = conn.execute(select(func.coalesce(func.max(audit_key.c.id), 0) + 1)).scalar_one()
        seal = conn.execute(select(func.coalesce(func.max(audit_seal.c.id), 0))).scalar_one()
        at = conn.execute(select(func.clock_timestamp())).scalar_one().astimezone(dt.UTC)
        made = KeyStatement(
            id=number, key_id=key_id, event=event, public=public, signed_by=by.id, after_seal=seal, host=host, at=at, signature=b""
        )
        facts = {name: getattr(made, name) for name in KeyStatement.__dataclass_fields__}
        conn.execute(insert(audit_key).values({**facts, "signature": by.sign(made.signed())}).inline())
