"""A profile with something to lose, and the way to bring it back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import sqlalchemy as sa

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend, conclude_restore
from backend_core.backup.keys import BackupKey, BackupKeys
from backend_core.backup.making import Meter
from backend_core.backup.restore import Restored, restore
from backend_core.credentials.vault import Vault
from backend_core.policy import SYSTEM, Actor
from backend_core.settings import Settings

SOMEBODY = Actor(operator_id=None, name="somebody", role=SYSTEM, workstation="ws")


def key_of_profile(backend: Backend) -> BackupKey:
    return BackupKeys(backend.credentials, backend.settings.home).needed()


def bring_back(source: Path, settings: Settings, key: BackupKey, *, replace: bool = False, meter: Meter | None = None) -> Restored:
    conclude = conclude_restore(SOMEBODY, key, Vault(settings.home))
    return restore(source, settings, key, replace=replace, conclude=conclude, meter=meter or Meter(None, None))


def whole(backend: Backend) -> dict[str, object]:
    """Return everything a person would miss: documents, pages, audio as it is heard, settings, operators, the audit log."""
    actor = backend.actor()
    with backend.database.begin("Read all") as conn:
        pages = conn.execute(sa.text("SELECT document_id, number, text FROM document_pages ORDER BY 1, 2")).all()
        audios = conn.execute(sa.text("SELECT id, voice, status, object_id FROM audios ORDER BY id")).all()
        log = conn.execute(sa.select(audit_event.c.id, audit_event.c.action, audit_event.c.actor, audit_event.c.leaf).order_by("id")).all()
    played = [backend.storage.path_of(row.object_id).read_bytes() for row in audios]
    return {
        "documents": [(row.id, row.title, row.kind, row.page_count) for row in backend.documents.listing(actor=actor).rows],
        "pages": [tuple(row) for row in pages],
        "audios": [(row.id, row.voice, row.status) for row in audios],
        "played": [hashlib.sha256(content).hexdigest() for content in played],
        "settings": backend.house.read(actor).values,
        "operators": [(one.id, one.name, one.role) for one in backend.access.listing(actor=actor)],
        "log": [tuple(row) for row in log],
    }
