"""Contacts' tokens: sealed at rest, renewed in time, and of no use in another row."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.credentials.token_keys import SECRET, load
from backend_core.credentials.token_records import Grant
from backend_core.credentials.token_rows import MOST_FAILURES, due_tokens
from backend_core.credentials.tokens import Tokens
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, LecternError, NotAllowed, NotFound, SecretsLocked, Unavailable
from backend_core.policy import SUPPORT, Actor
from tests.backend_core.credentials.test_envelope import Drawer
from tests.backend_core.verb_calls import LATER
from tests.polling import eventually


def now() -> dt.datetime:
    """Return the moment: a run may take longer than a token lives."""
    return dt.datetime.now(dt.UTC)


FAILS = pytest.mark.logs("token not renewed")


class Bank:
    """A service that gives tokens, each refresh token once.

    Attributes:
        fault: raised instead.
        during: called while it is asked.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fault: LecternError | None = None
        self.during: Callable[[], object] = lambda: None
        self.gives_refresh = True

    def refresh(self, token: str) -> Grant:
        self.asked.append(token)
        self.during()
        if self.fault is not None:
            raise self.fault
        number = len(self.asked)
        return Grant(
            access=f"access-{number}", refresh=f"refresh-{number}" if self.gives_refresh else None, expires_at=now() + dt.timedelta(hours=1)
        )


class World:
    """One contact, a service, and the tokens of one home."""

    def __init__(self, backend: Backend, actor: Actor, drawer: Drawer) -> None:
        self.backend, self.admin, self.system = backend, replace(actor, reason="a test", proven_until=LATER), backend.system()
        self.bank = Bank()
        self.drawer = drawer
        self.tokens = self.another(drawer)
        self.user = backend.people.add_contact("Ana", phone="+15550100001", actor=self.admin).id

    def another(self, drawer: Drawer) -> Tokens:
        find = {"bank": self.bank}.get
        return Tokens(self.backend.database, self.backend.audit, secrets=drawer, find=find)

    def save(
        self, *, minutes: float = 5, provider: str = "bank", refresh: str | None = "refresh-0", user: uuid.UUID | None = None
    ) -> uuid.UUID:
        grant = Grant(access="access-0", refresh=refresh, expires_at=now() + dt.timedelta(minutes=minutes), scopes="read")
        return self.tokens.save(user or self.user, provider, grant, actor=self.admin).id

    def access(self, provider: str = "bank") -> str:
        return self.tokens.access_token(self.user, provider, actor=self.system)

    def sql(self, text: str, **values: object) -> sa.Sequence[sa.Row[sa.Any]]:  # type: ignore[name-defined]  # only read
        with self.backend.database.begin("Test") as conn:
            found = conn.execute(sa.text(text), values)
            return found.all() if found.returns_rows else ()


@pytest.fixture
def world(backend: Backend, actor: Actor) -> World:
    return World(backend, actor, Drawer())


def test_what_is_stored_and_told_holds_no_token(world: World) -> None:
    token_id = world.save()
    (row,) = world.sql("SELECT * FROM oauth_tokens")
    stored = repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
    told = repr(world.tokens.listing(actor=world.admin)) + repr(world.backend.audit.latest(actor=world.admin)) + repr(world.bank)
    for secret in ("access-0", "refresh-0"):
        assert secret not in stored
        assert secret not in told
    assert "access-0" not in repr(Grant(access="access-0", expires_at=now()))
    assert world.access() == "access-0"
    (shown,) = world.tokens.listing(actor=world.admin)
    assert (shown.id, shown.provider, shown.scopes, shown.renewable, shown.key_here) == (token_id, "bank", "read", True, True)


def test_a_token_moved_to_another_row_or_column_is_refused(world: World) -> None:
    other = world.backend.people.add_contact("Eve", phone="+15550100003", actor=world.admin).id
    world.save()
    world.save(user=other)
    world.sql("UPDATE oauth_tokens SET enc_access = (SELECT enc_access FROM oauth_tokens WHERE user_id = :ana) WHERE user_id = :eve",
              ana=world.user, eve=other)  # fmt: skip
    with pytest.raises(SecretsLocked):
        world.tokens.access_token(other, "bank", actor=world.system)
    world.sql("UPDATE oauth_tokens SET enc_access = enc_refresh")
    with pytest.raises(SecretsLocked):
        world.access()


def test_saving_again_replaces_the_token_in_place(world: World) -> None:
    first = world.save()
    grant = Grant(access="newer", refresh=None, expires_at=now() + dt.timedelta(hours=1))
    assert world.tokens.save(world.user, "bank", grant, actor=world.admin).id == first
    assert world.access() == "newer"
    assert not world.tokens.listing(actor=world.admin)[0].renewable


@pytest.mark.parametrize(
    ("provider", "access", "ends"),
    [
        ("", "a", now()), ("x" * 61, "a", now()), (" bank", "a", now()), ("bank", "", now()), ("bank", "a" * 8_001, now()),
        ("bank", "a", now().replace(tzinfo=None)),
    ],
)  # fmt: skip
def test_what_is_no_token_is_not_kept(world: World, provider: str, access: str, ends: dt.datetime) -> None:
    with pytest.raises(InvalidInput):
        world.tokens.save(world.user, provider, Grant(access=access, expires_at=ends), actor=world.admin)
    with pytest.raises(NotFound):
        world.tokens.save(uuid.uuid4(), "bank", Grant(access="a", expires_at=now()), actor=world.admin)


def test_only_the_program_itself_uses_a_token(world: World) -> None:
    world.save()
    for refused in (world.admin, replace(world.admin, role=SUPPORT)):
        with pytest.raises(NotAllowed):
            world.tokens.access_token(world.user, "bank", actor=refused)
        with pytest.raises(NotAllowed):
            world.tokens.refresh_due(actor=refused)


@pytest.mark.trace("B21")
def test_tokens_that_end_soon_are_renewed_and_no_others(world: World) -> None:
    world.save(minutes=5)
    world.save(minutes=60, provider="later")
    done = world.tokens.refresh_due(actor=world.system)
    assert (done.renewed, done.failed) == (1, 0)
    assert world.bank.asked == ["refresh-0"]
    assert world.access() == "access-1"
    assert world.tokens.refresh_due(actor=world.system).renewed == 0
    world.sql("UPDATE oauth_tokens SET expires_at = now()")
    world.tokens.refresh_due(actor=world.system)
    assert "refresh-1" in world.bank.asked
    actions = [one.action for one in world.backend.audit.latest(actor=world.admin) if one.outcome == "done"]
    assert actions.count("token.refresh") >= 2


def test_the_refresh_token_stays_where_the_service_gives_no_new_one(world: World) -> None:
    world.bank.gives_refresh = False
    world.save()
    world.tokens.refresh_due(actor=world.system)
    world.sql("UPDATE oauth_tokens SET expires_at = now()")
    world.tokens.refresh_due(actor=world.system)
    assert world.bank.asked == ["refresh-0", "refresh-0"]
    assert world.tokens.listing(actor=world.admin)[0].scopes == "read"


@FAILS
def test_a_service_that_is_away_is_asked_again_later_and_less_and_less_often(world: World) -> None:
    world.save()
    world.bank.fault = Unavailable("Away.")
    assert world.tokens.refresh_due(actor=world.system).failed == 1
    assert world.tokens.refresh_due(actor=world.system).failed == 0
    waits = []
    for _ in range(MOST_FAILURES + 2):
        (row,) = world.tokens.listing(actor=world.admin)
        waits.append((row.next_try_at - dt.datetime.now(dt.UTC)).total_seconds() if row.next_try_at else 0)
        world.sql("UPDATE oauth_tokens SET next_try_at = now()")
        world.tokens.refresh_due(actor=world.system)
    assert waits[1] > 1.5 * waits[0] > 60
    assert len(world.bank.asked) == MOST_FAILURES
    assert world.tokens.listing(actor=world.admin)[0].error_code == "unavailable"


@FAILS
def test_a_service_that_will_never_take_the_token_again_is_not_asked_again(world: World) -> None:
    world.save()
    world.bank.fault = InvalidInput("Never.")
    world.tokens.refresh_due(actor=world.system)
    world.sql("UPDATE oauth_tokens SET next_try_at = now()")
    world.tokens.refresh_due(actor=world.system)
    assert len(world.bank.asked) == 1


def test_an_ended_token_is_not_used(world: World) -> None:
    world.save(minutes=-1)
    with pytest.raises(Unavailable):
        world.access()


def test_a_revoked_token_is_overwritten_and_never_renewed(world: World) -> None:
    token_id = world.save()
    world.tokens.revoke(token_id, actor=world.admin)
    assert world.sql("SELECT length(enc_access), enc_refresh FROM oauth_tokens") == [(0, None)]
    world.tokens.refresh_due(actor=world.system)
    assert world.bank.asked == []
    for act in (world.access, lambda: world.tokens.revoke(token_id, actor=world.admin)):
        with pytest.raises(NotFound):
            act()


def test_a_token_revoked_while_it_is_renewed_stays_revoked(world: World) -> None:
    token_id = world.save()
    world.bank.during = lambda: world.tokens.revoke(token_id, actor=world.admin)
    assert world.tokens.refresh_due(actor=world.system).renewed == 0
    with pytest.raises(NotFound):
        world.access()


def test_two_hosts_renew_a_token_once(world: World) -> None:
    world.save()
    started, go = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        go.wait(20)

    world.bank.during = slow
    first = threading.Thread(target=lambda: world.tokens.refresh_due(actor=world.system))
    first.start()
    assert started.wait(20)
    second = world.another(world.drawer).refresh_due(actor=world.system)
    go.set()
    first.join(20)
    assert (second.renewed, second.failed, world.bank.asked) == (0, 0, ["refresh-0"])
    assert world.access() == "access-1"


def test_another_computer_without_the_key_leaves_the_token_alone(world: World) -> None:
    world.save()
    other = world.another(Drawer())
    assert other.refresh_due(actor=world.system).failed == 0
    assert not other.listing(actor=world.admin)[0].key_here
    with pytest.raises(SecretsLocked):
        other.access_token(world.user, "bank", actor=world.system)
    assert other.rotate(actor=world.admin).elsewhere == 1
    assert world.access() == "access-0"


def test_a_rotation_wraps_everything_anew_and_drops_the_old_key(world: World) -> None:
    for number in range(120):
        world.save(provider=f"bank-{number}")
    (old,) = {row[0] for row in world.sql("SELECT key_id FROM oauth_tokens")}
    seen: list[tuple[int, int]] = []
    done = world.tokens.rotate(actor=world.admin, progress=lambda now, all_: seen.append((now, all_)))
    assert (done.tokens, done.elsewhere, done.damaged) == (120, 0, 0)
    assert seen[-1] == (120, 120)
    assert {row[0] for row in world.sql("SELECT key_id FROM oauth_tokens")} == {done.key_id} != {old}
    assert set(load(world.drawer).keys) == {done.key_id}
    assert {world.access(f"bank-{number}") for number in range(120)} == {"access-0"}
    assert "token.rotate" in [one.action for one in world.backend.audit.latest(actor=world.admin)]


@pytest.mark.logs("token does not open")
def test_a_damaged_token_keeps_its_key_and_does_not_stop_a_rotation(world: World) -> None:
    world.save(provider="good")
    world.save()
    world.sql("UPDATE oauth_tokens SET enc_access = decode(repeat('00', 200), 'hex') WHERE provider = 'bank'")
    done = world.tokens.rotate(actor=world.admin)
    assert (done.tokens, done.damaged) == (1, 1)
    assert len(load(world.drawer).keys) == 2
    assert world.access("good") == "access-0"


def test_a_token_renewed_while_keys_are_rotated_opens_afterwards(world: World) -> None:
    world.save()
    world.bank.during = lambda: world.tokens.rotate(actor=world.admin)
    assert world.tokens.refresh_due(actor=world.system).renewed == 1
    assert world.access() == "access-1"
    assert len(load(world.drawer).keys) == 1


def test_a_key_is_not_dropped_while_something_is_being_sealed_under_it(world: World) -> None:
    world.save()
    with world.backend.database.begin("Seal") as conn:
        ring = world.tokens._ring(conn)
        rotation = threading.Thread(target=lambda: world.tokens.rotate(actor=world.admin))
        rotation.start()
        eventually(lambda: bool(world.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))
        assert load(world.drawer) == ring
    rotation.join(20)
    assert load(world.drawer) != ring


def test_nothing_is_sealed_while_keys_are_added_or_dropped(world: World) -> None:
    world.save()
    with world.backend.database.begin("Change keys") as conn:
        world.tokens._alone(conn)
        renewal = threading.Thread(target=lambda: world.tokens.refresh_due(actor=world.system))
        renewal.start()
        eventually(lambda: bool(world.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))
        assert world.bank.asked == ["refresh-0"]
        assert world.access() == "access-0"
    renewal.join(20)
    assert world.access() == "access-1"


def test_processes_of_one_home_that_look_for_a_first_key_make_one(world: World) -> None:
    users = [world.backend.people.add_contact(f"P{n}", phone=f"+1555010100{n}", actor=world.admin).id for n in range(6)]
    homes = [world.another(world.drawer) for _ in users]
    grant = Grant(access="access-0", expires_at=now() + dt.timedelta(hours=1))
    work = [
        threading.Thread(target=lambda t=t, u=u: t.save(u, "bank", grant, actor=world.admin)) for t, u in zip(homes, users, strict=True)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(30)
    assert len(world.sql("SELECT DISTINCT key_id FROM oauth_tokens")) == 1
    assert {world.tokens.access_token(user, "bank", actor=world.system) for user in users} == {"access-0"}


@pytest.mark.trace("B21")
def test_the_look_for_tokens_that_end_uses_its_index(world: World, clean: EmbeddedServer) -> None:
    world.sql(
        "INSERT INTO contacts (display_name, phone) SELECT 'P' || n, '+1555' || lpad(n::text, 7, '0') FROM generate_series(1, 20000) n"
    )
    world.sql("INSERT INTO oauth_tokens (user_id, provider, enc_access, enc_refresh, key_id, expires_at)"
              " SELECT id, 'bank', '\\x00', '\\x00', 'k', now() + random() * interval '90 days' FROM contacts")  # fmt: skip
    with psycopg.connect(clean.admin_dsn, autocommit=True) as server:
        server.execute("ANALYZE oauth_tokens")
    with world.backend.database.begin("Explain") as conn:
        text = str(due_tokens(600.0, ("k",), 100).compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(row[0] for row in conn.exec_driver_sql(f"EXPLAIN {text}"))
    # row by row or as a bitmap, as the sample of ANALYZE falls out
    assert "idx_oauth_token_expiry" in plan
    assert "Index Cond: (expires_at <=" in plan
    # a clock that moves within the statement is the mistake this guards against
    assert "Seq Scan" not in plan


def test_the_keys_are_one_secret_of_the_vault(world: World) -> None:
    world.save()
    assert set(world.drawer.kept) == {SECRET}
