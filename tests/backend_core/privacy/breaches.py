"""Break the boundary as somebody with the server's password could, and mend it again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER
from backend_core.privacy.records import Run, RunDetails

SCOPE = (
    "CREATE POLICY {0}_scope ON {0} TO lectern_app, lectern_support, lectern_administrator"
    " USING (container_id = (SELECT scope_id())) WITH CHECK (container_id = (SELECT scope_id()))"
)


@dataclass(frozen=True)
class Breach:
    """One way to open what is closed.

    Attributes:
        case: the rule that must notice.
        word: part of the cause that is told.
        owner: whether it is done as the owner of the tables, not as the superuser.
        whole: whether a whole run is made over it; the catalogue alone tells the others.
    """

    name: str
    broken: str
    mended: str
    case: str
    word: str
    owner: bool = False
    whole: bool = False

    def __str__(self) -> str:
        """Return the name, for the id of a test."""
        return self.name


BREACHES = (
    Breach(
        "a policy is dropped",
        "DROP POLICY boundaries_scope ON boundaries",
        SCOPE.format("boundaries"),
        "policies_are_ours",
        "boundaries has lost the policy",
        whole=True,
    ),
    Breach(
        "the row security of a table is off",
        "ALTER TABLE messages DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE messages ENABLE ROW LEVEL SECURITY",
        "row_security_is_forced",
        "messages shows every row to everybody",
        whole=True,
    ),
    Breach(
        "the owner of a table is let through",
        "ALTER TABLE postings NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE postings FORCE ROW LEVEL SECURITY",
        "row_security_is_forced",
        "owner of postings",
    ),
    Breach(
        "a policy for everybody is added",
        "CREATE POLICY open ON memories FOR SELECT USING (true)",
        "DROP POLICY open ON memories",
        "policies_are_ours",
        "is not one of Lectern's",
    ),
    Breach(
        "a view of the superuser is planted",
        "CREATE VIEW recent AS SELECT container_id, text FROM memories; GRANT SELECT ON recent TO lectern_app",
        "DROP VIEW recent",
        "nothing_runs_with_more_rights",
        "recent runs as definer",
        whole=True,
    ),
    Breach(
        "a function that runs as definer is planted",
        "CREATE FUNCTION everything() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM memories'",
        "DROP FUNCTION everything()",
        "nothing_runs_with_more_rights",
        "everything() runs as definer",
    ),
    Breach(
        "a key spans containers",
        "CREATE UNIQUE INDEX spans ON messages (id)",
        "DROP INDEX spans",
        "keys_begin_with_container",
        "spans containers",
        owner=True,
    ),
    Breach(
        "the role is a superuser",
        "ALTER ROLE lectern_app SUPERUSER",
        "ALTER ROLE lectern_app NOSUPERUSER",
        "own_role_is_bound",
        "it is a superuser",
    ),
    Breach(
        "the directory may read words",
        "GRANT SELECT (text) ON memories TO lectern_directory",
        "REVOKE SELECT (text) ON memories FROM lectern_directory",
        "directory_reads_no_words",
        "memories.text",
        owner=True,
    ),
    Breach(
        "the application inherits the directory",
        "GRANT lectern_directory TO lectern_app WITH INHERIT TRUE",
        "GRANT lectern_directory TO lectern_app WITH INHERIT FALSE",
        "roles_are_bound",
        "has the rights of lectern_directory all the time",
    ),
)


@contextlib.contextmanager
def broken(server: EmbeddedServer, breach: Breach) -> Iterator[None]:
    """Run the body with the boundary open."""
    dsn = server.dsn(OWNER) if breach.owner else server.admin_dsn
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(breach.broken.encode())
        try:
            yield
        finally:
            conn.execute(breach.mended.encode())


def run(backend: Backend) -> Run:
    """Run the suite as the program does by itself."""
    return backend.privacy.run(actor=backend.system(), trigger="ci")


def details(backend: Backend, made: Run) -> RunDetails:
    """Return everything a run found."""
    return backend.privacy.run_details(made.id, actor=backend.system())


def failures(found: RunDetails) -> dict[str, str]:
    """Return the cause of each rule that does not hold."""
    return {one.id: one.cause for one in found.cases if not one.ok}


def made_up(server: EmbeddedServer) -> int:
    """Return how many rows are marked as made up, past every policy."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM contacts WHERE synthetic) + (SELECT count(*) FROM personas WHERE synthetic)"
            " + (SELECT count(*) FROM conversations WHERE synthetic) + (SELECT count(*) FROM containers WHERE synthetic)"
        ).fetchone()
    assert row is not None
    return int(row[0])
