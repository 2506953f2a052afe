"""How many of the turns that answer a question memory finds, on chats of LoCoMo, beside what others find on the same ones.

Every chat is one container of a throwaway database, and its questions are asked inside its scope. Weights are never chosen on the chat
they are measured on: for each chat they are those that were best on all others. With one chat they are the delivered ones.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from backend_core.backend import Backend, erase_home, open_backend, owner_dsn
from backend_core.bench.locomo_controls import Ask, Places, asked_all, full_text, okapi, recalls
from backend_core.bench.locomo_data import Chat, read_chats
from backend_core.memory.embeddings import Embedder, LocalModel
from backend_core.memory.records import Mode
from backend_core.memory.scoped import ScopedMemory
from backend_core.memory.service import MemoryService
from backend_core.memory.weights import STANDARD, Ranking
from backend_core.policy import Actor
from backend_core.scopes.records import Group
from backend_core.settings import load_settings

CUTS: Final = (5, 10, 20)
CHOSEN_BY: Final = 10
NO_MODEL: Final = "No sentence model is set up (setting sentence_model), so nothing was searched by meaning."
_WORDS: Final = (
    STANDARD,
    replace(STANDARD, b=0.2),
    replace(STANDARD, before=(0.7, 0.4, 0.2), after=(0.5, 0.3, 0.1)),
    replace(STANDARD, before=(0.5,), after=(0.5,)),
    replace(STANDARD, asks=0.7, speaker=1.5),
    replace(STANDARD, length=0.0, day=0.0),
    replace(STANDARD, length=0.3, day=0.4),
)
_MEANING: Final = (STANDARD, replace(STANDARD, meaning=0.5), replace(STANDARD, meaning=1.1))
# vectors alone: nothing that memory knows besides
_DENSE: Final = Ranking(
    asks=1.0, speaker=1.0, first_person=1.0, time=1.0, number=1.0, length=0.0, day=0.0, meaning_near=0.0, before=(), after=()
)
Note = Callable[[str], None]


@dataclass(slots=True)
class _Tried:
    """What one way to search found: by chat and cut the recall of every question, and how long each took."""

    recall: dict[int, list[list[float]]] = field(default_factory=lambda: {cut: [] for cut in CUTS})
    taken: list[float] = field(default_factory=list)

    def add(self, chat: Chat, found: Sequence[Places], taken: Sequence[float]) -> None:
        for cut in CUTS:
            self.recall[cut].append(recalls(chat, found, cut))
        self.taken += taken

    def figures(self) -> dict[str, float]:
        cuts = {f"recall@{cut}": round(statistics.fmean(value for chat in self.recall[cut] for value in chat), 1) for cut in CUTS}
        return cuts | {"p50_ms": round(statistics.median(self.taken), 2), "p95_ms": round(statistics.quantiles(self.taken, n=20)[-1], 2)}


class _Remembering:
    """A model that makes the vector of a question once, however often it is asked."""

    local = True

    def __init__(self, model: Embedder) -> None:
        self._model = model
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        return self._model.name

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        missing = [text for text in texts if text not in self._known]
        if missing:
            self._known.update(zip(missing, self._model.embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts])


def run(path: Path, *, model: Path | None = None, note: Note = lambda _text: None) -> dict[str, Any]:
    """Return recall in per cent of the evidence at 5, 10 and 20, and milliseconds of a search inside an open scope.

    Args:
        path: chats in the format of LoCoMo, a file or a folder of files.
        model: folder of a sentence model; without one ``hybrid`` and ``dense`` are None.
        note: told of each step.

    Raises:
        NotFound, UnreadableFile: there are no chats.
        InvalidInput: the folder holds no model.
    """
    chats = read_chats(path)
    embedder = _Remembering(LocalModel(model)) if model else None
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home", dsn=None, objects=None, sentence_model=None)
        try:
            with open_backend(settings) as backend:
                actor = replace(backend.actor(), reason="Measuring")
                return _measure(backend, actor, chats, embedder, dsn=owner_dsn(settings), note=note)
        finally:
            erase_home(settings.home)


def _measure(backend: Backend, actor: Actor, chats: Sequence[Chat], embedder: Embedder | None, *, dsn: str, note: Note) -> dict[str, Any]:
    words = {ranking: _Tried() for ranking in _WORDS}
    meaning = {ranking: _Tried() for ranking in _MEANING} if embedder else {}
    controls = {name: _Tried() for name in ("full_text_and", "full_text_or", "rank_bm25", *(("dense",) if embedder else ()))}
    for chat in chats:
        note(f"{chat.name}: {len(chat.turns)} turns, {len(chat.questions)} questions")
        with full_text(dsn, chat) as asks:
            for name, ask in (asks | {"rank_bm25": okapi(chat)}).items():
                controls[name].add(chat, *asked_all(ask, chat))
        places = _remember(backend, actor, chat, embedder)
        _vacuum(dsn)
        with backend.memory.scope(Group(chat.name), actor=actor) as memory:
            asked = replace(memory, embedder=embedder)
            for ranking, tried in words.items():
                tried.add(chat, *asked_all(_ask(asked, places, ranking, "lexical"), chat))
            for ranking, tried in meaning.items():
                tried.add(chat, *asked_all(_ask(asked, places, ranking, "hybrid"), chat))
            if embedder:
                controls["dense"].add(chat, *asked_all(_ask(asked, places, _DENSE, "vector"), chat))
    return _report(chats, words, meaning, controls)


def _report(
    chats: Sequence[Chat], words: dict[Ranking, _Tried], meaning: dict[Ranking, _Tried], controls: dict[str, _Tried]
) -> dict[str, Any]:
    return {
        "chats": len(chats),
        "questions": sum(len(chat.questions) for chat in chats),
        "lexical": _held_out(words),
        "lexical_as_delivered": words[STANDARD].figures(),
        "hybrid": _held_out(meaning) if meaning else None,
        "hybrid_as_delivered": meaning[STANDARD].figures() if meaning else None,
        "hybrid_note": "" if meaning else NO_MODEL,
        "controls": {"dense": None} | {name: tried.figures() for name, tried in controls.items()},
        "categories": _by_category(chats, words[STANDARD]),
    }


def _remember(backend: Backend, actor: Actor, chat: Chat, embedder: Embedder | None) -> dict[object, int]:
    """Put a chat into a container of its own; return the place of each memory in the chat."""
    memory = MemoryService(backend.audit, scopes=backend.scopes, embedder=lambda: embedder)
    with memory.scope(Group(chat.name), actor=actor, action="memory.add", create=True) as opened:
        kept = opened.add_many(chat.turns)
    if embedder is not None:
        memory.embed(Group(chat.name), actor=actor)
    return {one.id: place for place, one in enumerate(kept)}


def _ask(memory: ScopedMemory, places: dict[object, int], ranking: Ranking, mode: Mode) -> Ask:
    weighed = replace(memory, ranking=ranking)

    def ask(question: str, limit: int) -> Places:
        return [places[hit.memory.id] for hit in weighed.search(question, limit=limit, mode=mode)]

    return ask


def _held_out(tried: dict[Ranking, _Tried]) -> dict[str, float]:
    """Return the figures where each chat is searched with the weights that were best on all others."""
    every = list(tried.values())
    chats = len(every[0].recall[CHOSEN_BY])
    chosen = _Tried(taken=every[0].taken)
    for left_out in range(chats):
        best = every[0] if chats == 1 else max(every, key=lambda one: _elsewhere(one, left_out))
        for cut in CUTS:
            chosen.recall[cut].append(best.recall[cut][left_out])
    return chosen.figures()


def _elsewhere(tried: _Tried, left_out: int) -> float:
    return statistics.fmean(value for place, chat in enumerate(tried.recall[CHOSEN_BY]) if place != left_out for value in chat)


def _by_category(chats: Sequence[Chat], tried: _Tried) -> dict[str, float]:
    found: dict[int, list[float]] = {}
    for chat, values in zip(chats, tried.recall[CHOSEN_BY], strict=True):
        for question, value in zip(chat.questions, values, strict=True):
            found.setdefault(question.category, []).append(value)
    return {str(category): round(statistics.fmean(values), 1) for category, values in sorted(found.items())}


def _vacuum(dsn: str) -> None:
    """Bring the tables into the state the server's own upkeep leaves them in."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        for table in ("memories", "postings", "container_stats", "memory_vectors"):
            conn.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
