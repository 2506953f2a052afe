"""Tokens by which the program acts for a contact at another service: sealed at rest, renewed before they end, never shown."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, column, func, or_, select, table, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core import faults
from backend_core.audit.service import Audit
from backend_core.credentials.tables import oauth_tokens
from backend_core.credentials.token_keys import Ring, Secrets, keep, load
from backend_core.credentials.token_records import FindProvider, Grant, Refreshed, Rotated, TokenRow, check
from backend_core.credentials.token_rows import COLUMNS, MOST_FAILURES, due_tokens, facts, fresh, in_s, moved, opened, row_from, sealed
from backend_core.db.database import Database
from backend_core.errors import LecternError, NotFound, SecretsLocked, Unavailable
from backend_core.logs import get_logger, log_failure
from backend_core.policy import Actor, Target, authorize

log = get_logger(__name__)
AHEAD_S: Final = 600.0
"""How long before its end a token is renewed."""
LEASE_S: Final = 120.0
FIRST_WAIT_S: Final = 60.0
LONGEST_WAIT_S: Final = 3600.0
BATCH: Final = 100
MOST_ROWS: Final = 500
KEY_LOCK: Final = "lectern.tokens.key"
FIRST_LOCK: Final = "lectern.tokens.first"
_CONTACTS: Final = table("contacts", column("id"), column("erased_at"))


class Tokens:
    """The tokens of one database, as far as the keys of this home open them.

    Args:
        secrets: where the keys are kept.
        find: returns the service of a name, or None where it is not set up here.
    """

    def __init__(self, database: Database, audit: Audit, *, secrets: Secrets, find: FindProvider = lambda _name: None) -> None:
        self._database = database
        self._audit = audit
        self._secrets = secrets
        self._find = find
        self._lock = threading.Lock()

    def listing(self, *, actor: Actor, user_id: uuid.UUID | None = None, limit: int = 100) -> tuple[TokenRow, ...]:
        """Return tokens, the one that ends first at the top, at most ``limit`` (1 to 500); never their values."""
        authorize(actor, "token.list", Target(kind="token"))
        query = facts().order_by(oauth_tokens.c.expires_at, oauth_tokens.c.id).limit(max(1, min(limit, MOST_ROWS)))
        if user_id is not None:
            query = query.where(oauth_tokens.c.user_id == user_id)
        with self._database.begin("List tokens") as conn:
            rows = conn.execute(query).all()
        here = self._known_keys()
        return tuple(row_from(row, here) for row in rows)

    def save(self, user_id: uuid.UUID, provider: str, grant: Grant, *, actor: Actor) -> TokenRow:
        """Keep what a service gave for a contact, in place of what it gave before.

        Raises:
            InvalidInput: no token, or no name of a service.
            SecretsLocked: the vault does not open.
        """
        authorize(actor, "token.save", Target(kind="token"))
        check(provider, grant)
        with self._database.begin("Save token") as conn:
            row = self._stored(conn, user_id, provider, grant)
            self._record(conn, actor, "token.save", row.id, {"provider": provider, "user_id": str(user_id)})
        return row_from(row, self._known_keys())

    def _stored(self, conn: Connection, user_id: uuid.UUID, provider: str, grant: Grant) -> Row[*tuple[Any, ...]]:
        known = select(_CONTACTS.c.id).where(_CONTACTS.c.id == user_id, _CONTACTS.c.erased_at.is_(None))
        if conn.execute(known).first() is None:
            raise NotFound("There is no such contact.")
        ring = self._ring(conn)
        row_id = uuid.uuid4()
        new = upsert(oauth_tokens).values(id=row_id, user_id=user_id, provider=provider, **sealed(row_id, grant, ring), **fresh(grant))
        new = new.on_conflict_do_nothing(index_elements=[oauth_tokens.c.user_id, oauth_tokens.c.provider])
        row = conn.execute(new.returning(*COLUMNS)).one_or_none()
        if row is not None:
            return row
        # what is sealed for one row opens in no other: the row that is there gets values of its own
        mine = (oauth_tokens.c.user_id == user_id, oauth_tokens.c.provider == provider)
        row_id = conn.execute(select(oauth_tokens.c.id).where(*mine)).scalar_one()
        change = update(oauth_tokens).where(oauth_tokens.c.id == row_id).values(sealed(row_id, grant, ring) | fresh(grant))
        return conn.execute(change.returning(*COLUMNS)).one()

    def revoke(self, token_id: uuid.UUID, *, actor: Actor) -> TokenRow:
        """Forget a token: what is sealed is overwritten, and nothing renews it.

        Raises:
            NotFound: no such token, or it was revoked.
        """
        authorize(actor, "token.revoke", Target(kind="token", id=str(token_id)))
        live = (oauth_tokens.c.id == token_id, oauth_tokens.c.revoked_at.is_(None))
        change = update(oauth_tokens).where(*live).values(enc_access=b"", enc_refresh=None, revoked_at=func.clock_timestamp())
        with self._database.begin("Revoke token") as conn:
            row = conn.execute(change.returning(*COLUMNS)).one_or_none()
            if row is None:
                raise NotFound("There is no such token, or it was revoked already.")
            self._record(conn, actor, "token.revoke", token_id, {"provider": row.provider, "user_id": str(row.user_id)})
        return row_from(row, self._known_keys())

    def access_token(self, user_id: uuid.UUID, provider: str, *, actor: Actor) -> str:
        """Return a token that still holds, for the program itself.

        Raises:
            NotFound: there is none, or it was revoked.
            SecretsLocked: its key is not kept here, or the value was changed or moved.
            Unavailable: it has ended and could not be renewed yet.
        """
        authorize(actor, "token.refresh", Target(kind="token"))
        known = (oauth_tokens.c.user_id == user_id, oauth_tokens.c.provider == provider, oauth_tokens.c.revoked_at.is_(None))
        ended = (oauth_tokens.c.expires_at <= func.clock_timestamp()).label("ended")
        with self._database.begin("Use token") as conn:
            row = conn.execute(select(oauth_tokens, ended).where(*known)).one_or_none()
        if row is None:
            raise NotFound("The contact has not connected this service.")
        if row.ended:
            raise Unavailable("The access to this service has ended and could not be renewed yet.")
        return opened(row, "enc_access", load(self._secrets))

    def refresh_due(
        self, *, actor: Actor, ahead_s: float = AHEAD_S, limit: int = BATCH, should_stop: Callable[[], bool] = bool
    ) -> Refreshed:
        """Renew the tokens that end within ``ahead_s`` and whose key is kept here; the worker does this every minute."""
        authorize(actor, "token.refresh", Target(kind="token"))
        ring = load(self._secrets)
        with self._database.begin("Find tokens that end") as conn:
            due = conn.execute(due_tokens(ahead_s, tuple(ring.keys), limit)).all()
        done = [self._renew(row.id, row.provider, ring, actor=actor) for row in due if not should_stop()]
        return Refreshed(renewed=done.count(True), failed=done.count(False))

    def _renew(self, token_id: uuid.UUID, provider: str, ring: Ring, *, actor: Actor) -> bool | None:
        """Return whether it was renewed; None when another host is at it, or the service is not set up here."""
        try:
            service = self._find(provider)
        except LecternError as error:
            # what is kept of one service may be damaged; the others go on
            log_failure(log, "service not known", error, facts={"provider": provider})
            return False
        if service is None:
            return None
        with self._database.begin("Take token") as conn:
            # the row itself says who may: a second host finds the lease
            free = or_(oauth_tokens.c.next_try_at.is_(None), oauth_tokens.c.next_try_at <= func.clock_timestamp())
            take = update(oauth_tokens).where(oauth_tokens.c.id == token_id, oauth_tokens.c.revoked_at.is_(None), free)
            row = conn.execute(take.values(next_try_at=in_s(LEASE_S)).returning(oauth_tokens)).one_or_none()
        if row is None:
            return None
        faults.point("token.taken")
        try:
            grant = service.refresh(opened(row, "enc_refresh", ring))
            check(row.provider, grant)
        except LecternError as error:
            self._failed(row, error, actor=actor)
            return False
        return self._renewed(row, grant, opened(row, "enc_refresh", ring), actor=actor)

    def _renewed(self, row: Row[*tuple[Any, ...]], grant: Grant, before: str, *, actor: Actor) -> bool:
        """Keep a new grant; where the service gave no new refresh token, ``before`` still holds."""
        whole = replace(grant, refresh=grant.refresh or before, scopes=grant.scopes or row.scopes)
        # what was revoked meanwhile stays revoked, what was replaced stays replaced
        same = (oauth_tokens.c.id == row.id, oauth_tokens.c.revoked_at.is_(None), oauth_tokens.c.refreshed_at == row.refreshed_at)
        with self._database.begin("Keep renewed token") as conn:
            # the key in use now, which a rotation may have changed while the service was asked
            values = sealed(row.id, whole, self._ring(conn)) | fresh(whole)
            kept = bool(conn.execute(update(oauth_tokens).where(*same).values(values)).rowcount)
            if kept:
                self._record(conn, actor, "token.refresh", row.id, {"provider": row.provider})
        faults.point("token.renewed")
        return kept

    def _failed(self, row: Row[*tuple[Any, ...]], error: LecternError, *, actor: Actor) -> None:
        failures = row.failures + 1 if error.retriable else MOST_FAILURES
        wait = in_s(min(FIRST_WAIT_S * 2**row.failures, LONGEST_WAIT_S))
        values = {"failures": failures, "error_code": error.code, "next_try_at": wait}
        log_failure(log, "token not renewed", error, facts={"provider": row.provider, "failures": failures})
        same = (oauth_tokens.c.id == row.id, oauth_tokens.c.refreshed_at == row.refreshed_at)
        with self._database.begin("Note failed renewal") as conn:
            conn.execute(update(oauth_tokens).where(*same).values(values))
            target, after = Target(kind="token", id=str(row.id)), {"provider": row.provider, "error_code": error.code}
            self._audit.record(conn, actor=actor, action="token.refresh", target=target, outcome="failed", after=after)

    def rotate(self, *, actor: Actor, progress: Callable[[int, int], object] | None = None) -> Rotated:
        """Wrap every token whose key is kept here by a new key, and drop the old ones; no token is shown or changed.

        It may be stopped at any time and called again: keys are dropped only once nothing is wrapped by them.

        Raises:
            SecretsLocked: the vault does not open.
        """
        authorize(actor, "token.rotate", Target(kind="token"))
        with self._lock:
            with self._database.begin("Make token key") as conn:
                self._alone(conn)
                ring = load(self._secrets).with_new()
                self._record(conn, actor, "token.rotate", None, {"key_id": ring.current})
                keep(self._secrets, ring)
            faults.point("token.key")
            done = damaged = 0
            after = uuid.UUID(int=0)
            while batch := self._batch(ring, after):
                for row in batch:
                    wrapped = self._rewrap(row, ring)
                    done, damaged = done + (wrapped is True), damaged + (wrapped is None)
                after = batch[-1].id
                if progress is not None:
                    progress(done, done + self._left(ring, after))
            return self._tidy_keys(ring, done, damaged)

    def _batch(self, ring: Ring, after: uuid.UUID) -> Sequence[Row[*tuple[Any, ...]]]:
        columns = (oauth_tokens.c.id, oauth_tokens.c.key_id, oauth_tokens.c.enc_access, oauth_tokens.c.enc_refresh)
        query = select(*columns).where(*_wrapped_by_old(ring), oauth_tokens.c.id > after).order_by(oauth_tokens.c.id).limit(BATCH)
        with self._database.begin("Find tokens of old keys") as conn:
            return conn.execute(query).all()

    def _rewrap(self, row: Row[*tuple[Any, ...]], ring: Ring) -> bool | None:
        """Return whether it was wrapped anew; None when it does not open, False when somebody else just replaced it."""
        try:
            values = {name: moved(row, name, ring) for name in ("enc_access", "enc_refresh")} | {"key_id": ring.current}
        except SecretsLocked as error:
            log.warning("token does not open and keeps its key", token=str(row.id), error_code=error.code)
            return None
        same = (oauth_tokens.c.id == row.id, oauth_tokens.c.key_id == row.key_id, oauth_tokens.c.enc_access == row.enc_access)
        with self._database.begin("Wrap token anew") as conn:
            return bool(conn.execute(update(oauth_tokens).where(*same).values(values)).rowcount)

    def _left(self, ring: Ring, after: uuid.UUID) -> int:
        query = select(func.count()).select_from(oauth_tokens).where(*_wrapped_by_old(ring), oauth_tokens.c.id > after)
        with self._database.begin("Count tokens") as conn:
            return int(conn.execute(query).scalar_one())

    def _tidy_keys(self, ring: Ring, done: int, damaged: int) -> Rotated:
        with self._database.begin("Drop token keys") as conn:
            self._alone(conn)
            live = select(oauth_tokens.c.key_id, func.count()).where(oauth_tokens.c.revoked_at.is_(None)).group_by(oauth_tokens.c.key_id)
            used = {row[0]: int(row[1]) for row in conn.execute(live)}
            keep(self._secrets, load(self._secrets).only(frozenset(used)))
        elsewhere = sum(count for name, count in used.items() if name not in ring.keys)
        log.info("token keys rotated", tokens=done, elsewhere=elsewhere, damaged=damaged)
        return Rotated(key_id=ring.current, tokens=done, elsewhere=elsewhere, damaged=damaged)

    def _ring(self, conn: Connection) -> Ring:
        """Return the keys of this home, with a first one where there is none; none is dropped until the transaction of ``conn`` ends."""
        # lock: a key that something is just being sealed under is not dropped by a rotation
        conn.execute(select(func.pg_advisory_xact_lock_shared(func.hashtextextended(KEY_LOCK, 0))))
        return load(self._secrets) if load(self._secrets).current else self._first_ring()

    def _first_ring(self) -> Ring:
        # in a transaction of its own that ends before ours goes on, so that nobody waits for somebody who waits
        with self._database.begin("Make first token key") as conn:
            # lock: two processes of one home that both look for a first key would each make one, and lose the other's
            conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(FIRST_LOCK, 0))))
            ring = load(self._secrets)
            if not ring.current:
                ring = ring.with_new()
                keep(self._secrets, ring)
            return ring

    @staticmethod
    def _alone(conn: Connection) -> None:
        # lock: keys are added and dropped by one process at a time, and while nothing is being sealed
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(KEY_LOCK, 0))))

    def _known_keys(self) -> frozenset[str]:
        try:
            return frozenset(load(self._secrets).keys)
        except LecternError:
            return frozenset()

    def _record(self, conn: Connection, actor: Actor, action: str, token_id: uuid.UUID | None, after: Mapping[str, object]) -> None:
        target = Target(kind="token", id=None if token_id is None else str(token_id))
        self._audit.record(conn, actor=actor, action=action, target=target, after=after)


def _wrapped_by_old(ring: Ring) -> tuple[ColumnElement[bool], ...]:
    olds = [name for name in ring.keys if name != ring.current]
    return oauth_tokens.c.key_id.in_(olds), oauth_tokens.c.revoked_at.is_(None)
