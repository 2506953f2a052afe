"""What a topic is compared by: its words as search compares them, without the articles a person puts before them."""

from __future__ import annotations

import re
from typing import Final

from backend_core.memory.terms import terms

# search keeps these, for in another language they mean something of their own: "die", "den"
_ARTICLES: Final = re.compile(
    r"(?:^|(?<=\s))((?:und|and|mit|von|über|an|or|oder)\s+)?(?:die|den|alle[nmrs]?|unser\w{0,2}|eu(?:e)?r\w{0,2}|diesem|jene[nmrs]?)\s+(?=\S)",
    re.IGNORECASE,
)


def topic_terms(topic: str) -> frozenset[str]:
    """Return the terms of a topic; empty when none of its words says anything.

    >>> topic_terms("die Party") == topic_terms("parties") == topic_terms("unserer Party")
    True
    >>> topic_terms("of the")
    frozenset()
    """
    bare = _ARTICLES.sub(lambda found: found[1] or "", topic.strip())
    return frozenset(terms(bare)) or frozenset(terms(topic))
