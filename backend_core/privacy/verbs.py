"""The features a run goes through, put together over the database that is tested; none of them sends anything elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend_core.audit.keys import Keys
from backend_core.audit.service import Audit
from backend_core.audit.trail import Trail
from backend_core.conversations.people import People
from backend_core.conversations.photos import Photos
from backend_core.conversations.records import Hooks
from backend_core.conversations.service import Conversations
from backend_core.db.database import Database
from backend_core.house.service import House
from backend_core.jobs.service import Jobs
from backend_core.memory.embeddings import Embedder
from backend_core.memory.forget import Forgetting
from backend_core.memory.reply import Replies
from backend_core.memory.service import MemoryService
from backend_core.scopes.service import Scopes
from backend_core.storage.folder import FolderStore
from backend_core.storage.service import Storage

QUEUE = "privacy"

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Verbs:
    """What a run asks."""

    database: Database
    audit: Audit
    scopes: Scopes
    memory: MemoryService
    forgetting: Forgetting
    conversations: Conversations
    people: People
    replies: Replies


def over(
    database: Database, *, store: FolderStore, keys: Keys, scratch: Path, embedder: Embedder | None = None, scopes: Scopes | None = None
) -> Verbs:
    """Return the features over ``database``.

    Args:
        database: what is tested.
        store: where files would go; a run has none.
        keys: sign the receipt that a run makes and takes back.
        scratch: folder for what is only looked at.
        embedder: used when it works on this computer.
        scopes: the door that is there already, which watches every statement of this database.
    """
    audit = Audit(database)
    doors = scopes or Scopes(database, audit)
    storage = Storage(database, store)
    jobs = Jobs(database, audit, queue=QUEUE, handlers={})
    local = Remembering(embedder) if embedder is not None and embedder.local else None
    remembering = MemoryService(audit, scopes=doors, embedder=lambda: local)
    forgetting = Forgetting(database, audit, scopes=doors, storage=storage, keys=keys, house=House(database, audit))
    conversations = Conversations(database, audit, scopes=doors)
    # no moderation: made-up words must not leave for a service
    conversations.hooks = Hooks(obey=forgetting.obey, remember=remembering.remember)
    photos = Photos(database, audit, scopes=doors, storage=storage, jobs=jobs, scratch=scratch)
    people = People(database, audit, scopes=doors, trail=Trail(database, audit))
    return Verbs(database, audit, doors, remembering, forgetting, conversations, people, Replies(doors, photos, memory=remembering))


class Remembering:
    """An embedder that looks at no text twice."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._embedder.name

    @property
    def local(self) -> bool:
        """Return that no text leaves this computer."""
        return True

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text."""
        fresh = list(dict.fromkeys(text for text in texts if text not in self._known))
        if fresh:
            self._known |= dict(zip(fresh, self._embedder.embed(fresh), strict=True))
        # a window that never runs the suite does without it
        import numpy as np

        return np.stack([self._known[text] for text in texts])
