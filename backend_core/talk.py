"""Composes what concerns people and their words; the other half of the composition root."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from backend_core.access.service import system_actor
from backend_core.access.sessions import session_valid
from backend_core.audit.keys import Keys
from backend_core.audit.service import Audit
from backend_core.audit.trail import Trail
from backend_core.conversations.people import People
from backend_core.conversations.photos import Photos
from backend_core.conversations.service import Conversations
from backend_core.conversations.tasks import AnalysePhoto
from backend_core.credentials.tokens import Tokens
from backend_core.credentials.vault import Vault
from backend_core.db.database import Database
from backend_core.documents.on_behalf import OnBehalf
from backend_core.house.service import House
from backend_core.jobs.runner import TaskHandler
from backend_core.jobs.service import Jobs
from backend_core.memory.choosing import Choice
from backend_core.memory.forget import Forgetting
from backend_core.memory.reply import Replies
from backend_core.memory.service import MemoryService
from backend_core.policy import Actor
from backend_core.privacy.service import Privacy
from backend_core.privacy.service import Surroundings as AroundPrivacy
from backend_core.safety.egress import Egress
from backend_core.safety.oauth import OAuthServices
from backend_core.safety.service import Safety
from backend_core.safety.vision import Vision
from backend_core.scopes.service import Scopes
from backend_core.settings import Settings
from backend_core.storage.service import Storage

SCRATCH: Final = "scratch"


class Talk:
    """The attributes of a backend about people and their words, made from those it has already."""

    settings: Settings
    database: Database
    credentials: Vault
    audit: Audit
    sealing: Keys
    trail: Trail
    house: House
    storage: Storage
    jobs: Jobs
    handlers: dict[str, TaskHandler]

    def system(self) -> Actor:
        """Return the program itself, for regular duties."""
        return system_actor()

    def compose_words(self) -> None:
        """Make what is done with what was said, once there are files and jobs."""
        self._compose_forgetting()
        self._compose_safety()
        self._compose_memory()
        self._compose_privacy()

    def compose_people(self) -> None:
        """Make what documents and jobs do not need: contacts, conversations, the door to containers."""
        database, audit = self.database, self.audit
        self.scopes = Scopes(database, audit, session_valid=session_valid)
        self.on_behalf = OnBehalf(database, audit)
        self.people = People(database, audit, scopes=self.scopes, trail=self.trail, documents_of=self.on_behalf.kept_for)
        self.conversations = Conversations(database, audit, scopes=self.scopes)

    def _compose_memory(self) -> None:
        settings = self.settings
        self._choice = Choice(
            settings.sentence_model,
            egress=self.egress,
            secret=self.credentials.get,
            actor=self.system,
            embedding_model=settings.embedding_service_model,
            extraction_model=settings.extraction_service_model,
        )
        self.memory = MemoryService(self.audit, scopes=self.scopes, embedder=self._choice.embedder, extractor=self._choice.extractor)
        self.replies = Replies(self.scopes, self.photos, memory=self.memory)
        self.conversations.hooks = dataclasses.replace(self.conversations.hooks, remember=self.memory.remember)

    def _compose_privacy(self) -> None:
        around = AroundPrivacy(
            scopes=self.scopes,
            embedder=self._choice.embedder,
            store=self.storage.store,
            keys=self.sealing,
            every_hours=lambda: self.house.current().privacy_run_every_hours,
            log_dir=self.settings.log_dir,
            scratch=self.settings.home / SCRATCH,
        )
        self.privacy = Privacy(self.database, self.audit, around)

    def _compose_forgetting(self) -> None:
        around: dict[str, Any] = {"scopes": self.scopes, "storage": self.storage, "keys": self.sealing, "house": self.house}
        self.forgetting = Forgetting(self.database, self.audit, **around)
        self.conversations.hooks = dataclasses.replace(self.conversations.hooks, obey=self.forgetting.obey)

    def _compose_safety(self) -> None:
        database, audit, scratch = self.database, self.audit, self.settings.home / SCRATCH
        self.egress = Egress(database, audit)
        self.safety = Safety(
            database,
            audit,
            scopes=self.scopes,
            egress=self.egress,
            secrets=self.credentials,
            crisis_line=lambda: self.house.current().crisis_line,
        )
        self.photos = Photos(database, audit, scopes=self.scopes, storage=self.storage, jobs=self.jobs, scratch=scratch)
        vision = Vision(self.egress, secrets=self.credentials)
        looking = AnalysePhoto(audit, scopes=self.scopes, storage=self.storage, photos_service=self.photos, describe=vision.describe)
        self.handlers[looking.name] = looking
        self.oauth = OAuthServices(self.egress, secrets=self.credentials)
        self.tokens = Tokens(database, audit, secrets=self.credentials, find=self.oauth.find)
        hooks: dict[str, Any] = {"screen": self.safety.check, "note_screened": self.safety.note, "follow_photo": self.photos.follow}
        self.conversations.hooks = dataclasses.replace(self.conversations.hooks, **hooks)
