"""How to reach the database of a profile: which server, as which role, with which tables, and who remembers its audit log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from backend_core.access.logins import ServerLogin, acting_role
from backend_core.access.service import system_actor
from backend_core.audit.witnesses import FilePlace, KeyringPlace, Place
from backend_core.backup.before_migration import backup_before_migration
from backend_core.backup.dump import Endpoint
from backend_core.backup.swap import settle
from backend_core.credentials.vault import Vault
from backend_core.db import embedded, migrate
from backend_core.db.conninfo import complete, keywords
from backend_core.db.probe import login_facts, server_facts
from backend_core.db.roles import ADMIN, APP
from backend_core.errors import NotAllowed, SchemaBehind
from backend_core.profiles.records import default_profile
from backend_core.profiles.service import connection_string, profile_of
from backend_core.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Which database this is.

    Attributes:
        name: ``This computer`` or the server's host name.
        kind: ``embedded`` or ``server``.
        data: where documents and database are kept, in words for people.
        read_only: nothing is changed: the profile says so, or a newer program changed the schema.
        newer_schema: it is the latter.
        colour: tone of the window, ``none`` for no colour.
        production: every change asks for a reason.
    """

    name: str
    kind: str
    server_version: str
    data: str
    read_only: bool = False
    newer_schema: bool = False
    colour: str = "none"
    production: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach the database as each role.

    Attributes:
        login: of a shared server; nothing for the embedded one.
        may_work: whether this login may run background work.
        note: what the start did about an interrupted restore.
    """

    app: str
    monitor: str
    owner: str
    profile: Profile
    login: ServerLogin | None = None
    may_work: bool = True
    note: str = ""


def witnesses(settings: Settings, vault: Vault) -> list[Place]:
    """Return the places that remember the audit log; those beside the database count for little."""
    home = settings.home.resolve()
    folder = settings.objects_dir.resolve() / "witness"
    found: list[Place] = [
        FilePlace(home / "witness" / "audit.json", name="data folder", outside=not settings.embedded),
        KeyringPlace(vault),
    ]
    if not folder.is_relative_to(home):
        found.append(FilePlace(folder / f"audit-{settings.home_digest}.json", name="object store", outside=True))
    if settings.witness is not None:
        chosen = settings.witness.expanduser().resolve()
        found.append(FilePlace(chosen, name="chosen file", outside=not (settings.embedded and chosen.is_relative_to(home))))
    return found


def lasting_name(settings: Settings) -> str:
    """Return a name by which witnesses know the database: the home it belongs to, or where the server is."""
    if settings.dsn is None:
        return f"home {settings.home_digest}"
    given = keywords(settings.dsn)
    return " ".join(str(given.get(part) or "") for part in ("host", "port", "dbname"))


def any_server(settings: Settings, vault: Vault) -> Server:
    """Return how to reach the database of these settings, whatever this login may do there."""
    dsn = connection_string(settings, vault)
    return embedded_server(settings) if dsn is None else shared_server(dsn, settings.home)


def described(server: Server, home: Path) -> Server:
    """Return ``server`` with what the profile of ``home`` says about it."""
    facts = profile_of(home)
    name = server.profile.name if facts == default_profile(facts.name) else facts.title
    described = replace(server.profile, name=name, colour=facts.colour, production=facts.production, read_only=facts.read_only)
    return replace(server, profile=described)


def embedded_server(settings: Settings) -> Server:
    """Return how to reach the embedded server, started first where needed."""
    note = settle(settings.home)
    server = embedded.ensure_running(settings.home)
    profile = Profile(name="This computer", kind="embedded", server_version=server.version, data=str(settings.home))
    app, monitor, owner = (server.dsn(f"lectern_{name}") for name in ("app", "monitor", "owner"))
    return Server(app=app, monitor=monitor, owner=owner, profile=profile, note=note)


def shared_server(dsn: str, home: Path) -> Server:
    """Return how to reach a shared server as each of Lectern's roles."""
    host, version = server_facts(dsn)
    profile = Profile(name=host, kind="server", server_version=version, data=f"{host}, files in {home}")
    app, monitor, owner = (complete(dsn, application="lectern-command", role=f"lectern_{name}") for name in ("app", "monitor", "owner"))
    return Server(app=app, monitor=monitor, owner=owner, profile=profile)


def as_login(dsn: str, home: Path, *, application: str) -> Server:
    """Return how to reach a shared server with the rights the server gives this login, and no more."""
    server = shared_server(dsn, home)
    name, memberships = login_facts(dsn)
    role = acting_role(name, memberships, application=application)
    app = complete(dsn, application="lectern-command", role=role)
    return replace(server, app=app, login=ServerLogin(name=name, dsn=dsn), may_work=APP in memberships)


def endpoint_of(settings: Settings, server: Server) -> Endpoint:
    """Return where a backup reads from."""
    # as the login itself: who may not act as the owner is told so, instead of being refused a connection
    dsn = server.owner if server.login is None else server.login.dsn
    return Endpoint.of_owner(dsn, admin=ADMIN if settings.embedded else None)


def migrated(server: Server, settings: Settings, vault: Vault) -> migrate.Result:
    """Bring the tables to this version, after a backup of what is there."""
    before = backup_before_migration(settings, endpoint_of(settings, server), vault)
    result = migrate.upgrade(server.owner)
    if before is not None:
        before.record(server.app, actor=system_actor())
    return result


def with_schema(server: Server, settings: Settings, vault: Vault) -> Server:
    """Return ``server`` once its tables are of this version, or only to be read where they are newer.

    Raises:
        NotAllowed: they are older, and this login or this profile may not change them.
    """
    state = migrate.state(server.app)
    if state is migrate.SchemaState.AHEAD:
        return replace(server, profile=replace(server.profile, read_only=True, newer_schema=True))
    if state is not migrate.SchemaState.CURRENT:
        if not settings.embedded:
            raise SchemaBehind("The database has no tables for this version yet; run `lecternctl migrate` as its owner.")
        if server.profile.read_only:
            raise NotAllowed("The database is of an older version, and this profile is read-only; open it through another one first.")
        migrated(server, settings, vault)
    return server
