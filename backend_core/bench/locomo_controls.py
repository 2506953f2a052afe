"""What others do on the same turns and questions: full-text search of PostgreSQL with AND and OR, BM25 as the package rank_bm25 has it."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import psycopg

from backend_core.bench.locomo_data import Chat

Places = list[int]
Ask = Callable[[str, int], Places]
"""Returns the places of the best turns for a question, at most so many."""
MOST: Final = 20
_WORD: Final = re.compile(r"\w+")
_TABLE: Final = (
    "CREATE TABLE bench_turns (place integer PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX ON bench_turns USING gin (words)",
)
_FILL: Final = "INSERT INTO bench_turns SELECT %s, to_tsvector('english', %s)"
_AND: Final = """
SELECT place FROM bench_turns, websearch_to_tsquery('english', %s) AS wanted
 WHERE words @@ wanted ORDER BY ts_rank(words, wanted) DESC, place LIMIT %s
"""
_OR: Final = """
SELECT place FROM bench_turns, CAST(replace(CAST(plainto_tsquery('english', %s) AS text), '&', '|') AS tsquery) AS wanted
 WHERE words @@ wanted ORDER BY ts_rank(words, wanted) DESC, place LIMIT %s
"""


@contextmanager
def full_text(dsn: str, chat: Chat) -> Iterator[dict[str, Ask]]:
    """Fill a table of its own with the turns of one chat; return how it is asked with AND and OR.

    Args:
        dsn: of a role that may make tables; without row security, and with the index that row security would close.
        chat: the chat.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in _TABLE:
            conn.execute(statement)
        try:
            conn.cursor().executemany(_FILL, [(place, _line(chat, place)) for place in range(len(chat.turns))])
            conn.execute("ANALYZE bench_turns")

            def ask(statement: str) -> Ask:
                return lambda question, limit: [row[0] for row in conn.execute(statement, (question, limit))]

            yield {"full_text_and": ask(_AND), "full_text_or": ask(_OR)}
        finally:
            conn.execute("DROP TABLE bench_turns")


def okapi(chat: Chat, *, k1: float = 1.5, b: float = 0.75, epsilon: float = 0.25) -> Ask:
    """Return BM25 Okapi as rank_bm25 computes it, with a floor under the weight of frequent words; words in small letters."""
    turns = [Counter(_words(_line(chat, place))) for place in range(len(chat.turns))]
    lengths = np.array([turn.total() for turn in turns], dtype=float)
    found = Counter(word for turn in turns for word in turn)
    rare = {word: math.log(len(turns) - count + 0.5) - math.log(count + 0.5) for word, count in found.items()}
    floor = epsilon * sum(rare.values()) / len(rare)
    rare = {word: value if value >= 0 else floor for word, value in rare.items()}
    norm = k1 * (1 - b + b * lengths / lengths.mean())

    def ask(question: str, limit: int) -> Places:
        scores = np.zeros(len(turns))
        for word in _words(question):
            times = np.array([turn.get(word, 0) for turn in turns], dtype=float)
            scores += rare.get(word, 0.0) * times * (k1 + 1) / (times + norm)
        return [int(place) for place in np.argsort(-scores, kind="stable")[:limit]]

    return ask


def asked_all(ask: Ask, chat: Chat) -> tuple[list[Places], list[float]]:
    """Return what was found for every question of a chat, and how many milliseconds each took."""
    places, taken = [], []
    for question in chat.questions:
        began = time.perf_counter()
        places.append(ask(question.text, MOST))
        taken.append((time.perf_counter() - began) * 1000)
    return places, taken


def recalls(chat: Chat, found: Sequence[Places], cut: int) -> list[float]:
    """Return for every question the share of its evidence among the first ``cut``, in per cent."""
    return [
        100 * len(question.evidence & set(places[:cut])) / len(question.evidence)
        for question, places in zip(chat.questions, found, strict=True)
    ]


def _words(text: str) -> list[str]:
    # rank_bm25 leaves this to its caller; its own example splits at spaces, which finds less
    return _WORD.findall(text.lower())


def _line(chat: Chat, place: int) -> str:
    return f"{chat.turns[place].speaker}: {chat.turns[place].text}"
