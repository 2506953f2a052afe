"""What is signed about keys, and the check of any signature; pure, so that a verifier can carry this file along."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Final

from backend_core.audit.chain import microseconds

INTRODUCED: Final = "introduced"
REQUESTED: Final = "requested"
RETIRED: Final = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatement:
    """One signed row about a key.

    Attributes:
        id: from 1 without gaps.
        event: ``introduced``, ``requested`` or ``retired``.
        signed_by: the key whose signature this is; a first key introduces itself.
        after_seal: number of the last seal when it was made; it holds for later ones.
    """

    id: int
    key_id: str
    event: str
    public: bytes
    signed_by: str
    after_seal: int
    host: str
    at: dt.datetime
    signature: bytes

    def signed(self) -> bytes:
        """Return the bytes that the signature signs."""
        facts = (self.id, self.key_id, self.event, self.public.hex(), self.signed_by, self.after_seal, self.host.encode().hex())
        return "\n".join(("lectern-audit-key/1", *map(str, facts), str(microseconds(self.at)))).encode()


def key_id_of(public: bytes) -> str:
    """Return the name of a key: a hash of its public part, so that no other key can take it."""
    return "lectern-" + hashlib.sha256(public).hexdigest()[:32]


def check_signature(public: bytes, payload: bytes, signature: bytes) -> bool:
    """Return whether the signature over ``payload`` was made with this key."""
    # 6 MB that only a process which checks signatures has to hold
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return False
    return True
