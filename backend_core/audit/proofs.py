"""One proof that some rows of a seal are in it, however many: only the hashes that cannot be computed from the rows themselves.

Pure functions over the standard library, so that a verifier can carry this file along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backend_core.audit.merkle import _above, _node


def proof_of_some(hashes: Sequence[bytes], places: Iterable[int]) -> list[bytes]:
    """Return the hashes that lead from the leaves at ``places`` (from 0) to the root, level by level from left to right."""
    known, level = sorted(set(places)), list(hashes)
    found: list[bytes] = []
    while len(level) > 1:
        inside = set(known)
        found += [level[place ^ 1] for place in known if place ^ 1 not in inside and place ^ 1 < len(level)]
        known, level = sorted({place // 2 for place in known}), _above(level)
    return found


def root_of_some(leaves: Mapping[int, bytes], size: int, path: Iterable[bytes]) -> bytes | None:
    """Return the root that ``proof_of_some`` leads to, or nothing when it has too few or too many hashes.

    Args:
        leaves: hashes of leaves by place, at least one.
        size: leaves of the tree.
        path: what ``proof_of_some`` returned.
    """
    here, width, steps = dict(leaves), size, iter(path)
    if not here or min(here) < 0 or max(here) >= size:
        return None
    while width > 1:
        for place in sorted(here):
            beside = place ^ 1
            if beside not in here and beside < width:
                step = next(steps, None)
                if step is None:
                    return None
                here[beside] = step
        above: dict[int, bytes] = {}
        for place, hashed in here.items():
            if place % 2 == 0:
                above[place // 2] = _node(hashed, here[place + 1]) if place + 1 in here else hashed
        here, width = above, (width + 1) // 2
    return here[0] if next(steps, None) is None else None
