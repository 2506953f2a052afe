"""The document list, counted by the server itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend_core.backend import open_backend
from backend_core.settings import load_settings
from tests.lectern import add_documents
from tests.postgres import StartServer


@pytest.mark.parametrize("count", [10, 10_000])
def test_the_servers_own_log_shows_three_statements(start_server: StartServer, tmp_path: Path, count: int) -> None:
    home = tmp_path / "home"
    server = start_server(home, extra_settings={"log_statement": "all"})
    with open_backend(load_settings(home=home)) as backend:
        actor = backend.actor()
        add_documents(backend, actor, count)
        before = server.cluster.log.stat().st_size
        page = backend.documents.listing(actor=actor)
        assert (page.total, len(page.rows)) == (count, min(count, 100))
        with server.cluster.log.open(encoding="utf-8") as log:
            log.seek(before)
            said = log.read()
    # an entry begins with its date; a statement may go on over several lines
    entries = [entry for entry in re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", said) if "execute" in entry or "statement:" in entry]
    ours = [entry for entry in entries if re.search(r"FROM (documents|audios|document_pages)", entry)]
    assert len(ours) == 3
