"""Merkle trees of RFC 6962 over the rows of one seal: root, proof that a row is in it, and the check of such a proof.

Pure functions over the standard library, so that a verifier can carry this file along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

LEAF: Final = b"\x00"
NODE: Final = b"\x01"


def entry(position: int, event_id: int, xid: int, at: int, leaf: bytes) -> bytes:
    """Return what the tree holds of a row: its place, number, transaction, time (microseconds since 1970 UTC) and hash.

    >>> entry(1, 7, 900, 0, bytes(2))
    b'1,7,900,0,0000'
    """
    return f"{position},{event_id},{xid},{at},{leaf.hex()}".encode()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of an entry as a leaf of the tree."""
    return hashlib.sha256(LEAF + data).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves, in their order; of none it is the hash of nothing."""
    if not hashes:
        return hashlib.sha256().digest()
    level = list(hashes)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def proof(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the hashes that lead from the leaf ``index`` (from 0) to the root, lowest first."""
    found: list[bytes] = []
    level = list(hashes)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        level, index = _above(level), index // 2
    return tuple(found)


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to, or nothing when it has the wrong length.

    Args:
        leaf: the hash of the entry.
        index: its place in the tree, from 0.
        size: leaves of the tree.
        path: what ``proof`` returned.
    """
    if not 0 <= index < size:
        return None
    steps = list(path)
    here, width = leaf, size
    while width > 1:
        if index ^ 1 < width:
            if not steps:
                return None
            beside = steps.pop(0)
            here = _node(beside, here) if index % 2 else _node(here, beside)
        index, width = index // 2, (width + 1) // 2
    return None if steps else here


def _above(level: Sequence[bytes]) -> list[bytes]:
    # a lone last hash rises unchanged, which gives the tree of RFC 6962
    made = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return [*made, level[-1]] if len(level) % 2 else made


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()
