"""Turn text into vectors, where the house has something that can: a model in a folder of this computer, or a service."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from backend_core.errors import InvalidInput, LecternError, Unavailable
from backend_core.logs import get_logger
from backend_core.safety.transport import Request

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = get_logger(__name__)
MOST_TEXTS: Final = 64
LONGEST: Final = 8_000
PURPOSE: Final = "embeddings"
_PATH: Final = "/v1/embeddings"
_TIMEOUT_S: Final = 20.0
Send = Callable[[Request], bytes]
"""Lets a request leave if that is allowed, and returns the answer's body."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """Return the name under which its vectors are kept; at most 80 characters."""
        ...

    @property
    def local(self) -> bool:
        """Return whether no text leaves this computer, and an answer takes milliseconds."""
        ...

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text.

        Raises:
            LecternError: it cannot now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether memory can be searched by meaning here.

    Attributes:
        model: by which; None where it cannot.
        sentence: the same for people.
    """

    model: str | None
    sentence: str


class LocalModel:
    """A sentence model of this computer, read when it is first needed.

    Args:
        folder: with the files of the model.
    """

    local: Final = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the model.

        Raises:
            InvalidInput: the folder holds none.
        """
        return self._model().name

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text."""
        return self._model().embed(texts)

    def _model(self) -> SentenceModelLike:
        with self._lock:
            if not hasattr(self, "_read"):
                from backend_core.memory.sentence_model import SentenceModel

                self._read: SentenceModelLike = SentenceModel(self._folder)
            return self._read


class SentenceModelLike(Protocol):
    """What is used of a model that was read."""

    name: str

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text."""
        ...


class Service:
    """An OpenAI-compatible service for vectors.

    Args:
        origin: such as ``https://api.openai.com``.
        model: as the service calls it.
        send: lets the request leave, with consent and a row in the ledger.
        key: of the account; None where the service asks for none.
    """

    local: Final = False

    def __init__(self, origin: str, *, model: str, send: Send, key: str | None = None) -> None:
        self._url = origin.rstrip("/") + _PATH
        self._model = model
        self._send = send
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    @property
    def name(self) -> str:
        """The name of the model at the service."""
        return f"service:{self._model}"[:80]

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text; see ``Embedder``."""
        import numpy as np

        found: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(texts), MOST_TEXTS):
            found += self._some([text[:LONGEST] for text in texts[start : start + MOST_TEXTS]])
        return np.stack(found) if found else np.zeros((0, 0), dtype=np.float32)

    def _some(self, texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        import numpy as np

        body = json.dumps({"model": self._model, "input": texts}).encode()
        answer = self._send(Request(url=self._url, body=body, headers=self._headers, timeout_s=_TIMEOUT_S))
        try:
            rows = sorted(json.loads(answer)["data"], key=lambda row: int(row["index"]))
            vectors = [np.asarray(row["embedding"], dtype=np.float32) for row in rows]
            good = len(vectors) == len(texts) and all(one.ndim == 1 and one.size and np.isfinite(one).all() for one in vectors)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise Unavailable("The service for vectors gave an answer that cannot be used.")
        return vectors


def meaning_of(embedder: Embedder | None) -> Meaning:
    """Return whether memory can be searched by meaning, in words for people."""
    if embedder is None:
        return Meaning(None, "Memory is searched by words; neither a sentence model nor a service for vectors is set up.")
    try:
        name = embedder.name
    except InvalidInput as error:
        return Meaning(None, f"Memory is searched by words. {error}")
    return Meaning(
        name, "Memory is searched by words and meaning, on this computer." if embedder.local else "By words and meaning, with a service."
    )


def vector_of(embedder: Embedder | None, text: str) -> tuple[str, npt.NDArray[np.float32]] | None:
    """Return the model's name and the vector of one text; nothing where there is no model, or it fails."""
    if embedder is None:
        return None
    try:
        return embedder.name, embedder.embed([text])[0]
    except LecternError as error:
        log.warning("memory is searched by words only", error_code=error.code)
        return None
