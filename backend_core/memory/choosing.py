"""Choose what makes vectors and finds facts: a model of this computer before a service, a service only with consent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend_core.memory import embeddings, extraction
from backend_core.memory.embeddings import Embedder, LocalModel
from backend_core.memory.extraction import Extractor
from backend_core.policy import Actor
from backend_core.safety.egress import Egress
from backend_core.safety.hosts import place_of

KEYS: Final = {embeddings.PURPOSE: "embeddings.key", extraction.PURPOSE: "extraction.key"}
"""Under which name the key of a service is kept among the secrets of this computer, by purpose."""


class Choice:
    """What is set up here.

    Args:
        folder: of a sentence model; None where there is none.
        egress: knows who consented to what, and lets requests leave.
        secret: returns a secret of this computer by name.
        actor: the program itself, on whose behalf memories are looked at.
        embedding_model, extraction_model: as the services call them.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        egress: Egress,
        secret: Callable[[str], str | None],
        actor: Callable[[], Actor],
        embedding_model: str,
        extraction_model: str,
    ) -> None:
        self._local = LocalModel(folder) if folder is not None else None
        self._egress = egress
        self._secret = secret
        self._actor = actor
        self._embedding_model = embedding_model
        self._extraction_model = extraction_model

    def embedder(self) -> Embedder | None:
        """Return what makes vectors; nothing where memory is searched by words only."""
        if self._local is not None:
            return self._local
        origin = self._origin(embeddings.PURPOSE)
        if origin is None:
            return None
        key = self._secret(KEYS[embeddings.PURPOSE])
        return embeddings.Service(origin, model=self._embedding_model, send=self._send(embeddings.PURPOSE), key=key)

    def extractor(self) -> Extractor | None:
        """Return what finds facts; nothing where turns are remembered as they were said."""
        origin = self._origin(extraction.PURPOSE)
        if origin is None:
            return None
        key = self._secret(KEYS[extraction.PURPOSE])
        return extraction.Service(origin, model=self._extraction_model, send=self._send(extraction.PURPOSE), key=key)

    def _origin(self, purpose: str) -> str | None:
        hosts = self._egress.hosts(purpose)
        return place_of(hosts[0]).origin if hosts else None

    def _send(self, purpose: str) -> embeddings.Send:
        return lambda request: self._egress.send(purpose, request, actor=self._actor())
