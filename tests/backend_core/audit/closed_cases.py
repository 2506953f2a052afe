"""One way into every place of the program that records an action: what to prepare, and the call itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from backend_core.audit import sealer
from backend_core.audit.keys import Keys
from backend_core.audit.query import AuditFilter
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, entry, record, seal
from tests.lectern import MakeDocument

PASSWORD = "correct horse battery 7"


class Drawer:
    """Keeps secrets in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def set(self, name: str, secret: str) -> None:
        self.kept[name] = secret


@dataclass(frozen=True)
class World:
    backend: Backend
    actor: Actor
    server: EmbeddedServer
    make_document: MakeDocument
    run_jobs: Callable[[], None]
    folder: Path

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.admin_dsn, autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def operator(self, name: str = "Mara Koch") -> int:
        return self.backend.access.add(name, role="support", password=PASSWORD, actor=self.actor).id

    def document(self) -> int:
        return self.make_document("One short page.")

    def audio(self) -> int:
        made = self.backend.audios.generate(self.document(), actor=self.actor)
        self.run_jobs()
        return made.queued[0].id

    def other(self) -> str:
        """Return the id of a key of another host that asks to be introduced."""
        seal(self.backend)
        keys = Keys(Drawer())
        with self.backend.database.begin("Ask") as conn:
            sealer.wait(conn)
            keys.ready(conn)
        return keys.own().id


Act = Callable[[], object]
CASES: dict[str, Callable[[World], Act]] = {}


def case(name: str) -> Callable[[Callable[[World], Act]], Callable[[World], Act]]:
    def add(arrange: Callable[[World], Act]) -> Callable[[World], Act]:
        CASES[name] = arrange
        return arrange

    return add


@case("Attempts._record_failure")
def _wrong_password(world: World) -> Act:
    world.operator()
    return lambda: world.backend.access.sign_in("Mara Koch", "not this one at all")


@case("SignIn._first_operator")
def _first(world: World) -> Act:
    world.sql("DELETE FROM operators")
    return world.backend.access.sign_in_here


@case("SignIn._open")
def _sign_in(world: World) -> Act:
    world.operator()
    return lambda: world.backend.access.sign_in("Mara Koch", PASSWORD)


def _signed(world: World) -> Actor:
    world.operator()
    return world.backend.access.sign_in("Mara Koch", PASSWORD).actor


@case("SignIn.prove")
def _prove(world: World) -> Act:
    person = _signed(world)
    return lambda: world.backend.access.prove(person, PASSWORD)


@case("SignIn.sign_out")
def _sign_out(world: World) -> Act:
    person = _signed(world)
    return lambda: world.backend.access.sign_out(person)


@case("SignIn.change_password")
def _change_password(world: World) -> Act:
    person = _signed(world)
    return lambda: world.backend.access.change_password(PASSWORD, PASSWORD + "!x", actor=person)


@case("Operators.add")
def _add_operator(world: World) -> Act:
    return world.operator


@case("Operators.edit")
def _edit(world: World) -> Act:
    number = world.operator()
    return lambda: world.backend.access.edit(number, actor=world.actor, version=1, name="Mara Stein")


def _because(world: World) -> Actor:
    return replace(world.actor, reason="A test")


@case("Operators.set_role")
def _set_role(world: World) -> Act:
    number = world.operator()
    return lambda: world.backend.access.set_role(number, "auditor", actor=_because(world))


@case("Operators.disable")
def _disable(world: World) -> Act:
    number = world.operator()
    return lambda: world.backend.access.disable(number, actor=_because(world))


@case("Operators.enable")
def _enable(world: World) -> Act:
    number = world.operator()
    world.backend.access.disable(number, actor=_because(world))
    return lambda: world.backend.access.enable(number, actor=world.actor)


@case("Operators.reset_password")
def _reset(world: World) -> Act:
    number = world.operator()
    return lambda: world.backend.access.reset_password(number, PASSWORD + "!y", actor=world.actor)


@case("Operators.hand_over")
def _hand_over(world: World) -> Act:
    number = world.operator()
    world.document()
    return lambda: world.backend.access.hand_over(world.actor.operator_id or 0, number, actor=_because(world))


@case("Access.revoke_session")
def _revoke(world: World) -> Act:
    _signed(world)
    (session,) = world.backend.access.sessions(actor=world.actor)
    return lambda: world.backend.access.revoke_session(session.id, actor=world.actor)


@case("Access.review")
def _review(world: World) -> Act:
    return lambda: world.backend.access.review(actor=world.actor)


@case("TrailExport.export")
def _export(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.trail_export.export(AuditFilter(), world.folder / "a.jsonl", actor=_because(world))


@case("Evidence.evidence")
def _evidence(world: World) -> Act:
    seal(world.backend)
    week = {"since": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "until": dt.datetime(2027, 1, 1, tzinfo=dt.UTC)}
    return lambda: world.backend.trail_export.evidence(world.folder / "a.zip", **week, actor=_because(world))


@case("Holds.place_hold")
def _hold(world: World) -> Act:
    return lambda: world.backend.upkeep.holds.place_hold(AuditFilter(), actor=_because(world))


@case("Holds.release_hold")
def _release(world: World) -> Act:
    made = world.backend.upkeep.holds.place_hold(AuditFilter(), actor=_because(world))
    return lambda: world.backend.upkeep.holds.release_hold(made.id, actor=_because(world))


@case("Monthly._keep")
def _monthly(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.upkeep.monthly.export_months(actor=world.backend.system())


@case("Retention._batch")
def _retain(world: World) -> Act:
    record(world.backend, [entry(ANA, "audio.play", "audio:1")], at=dt.datetime.now(dt.UTC) - dt.timedelta(days=1200))
    seal(world.backend)
    return lambda: world.backend.upkeep.retention.retain(actor=world.actor)


@case("Seals.accept")
def _accept(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.seals.accept(actor=world.actor)


@case("Seals.rotate")
def _rotate(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.seals.rotate(actor=world.actor)


@case("Seals.introduce")
def _introduce(world: World) -> Act:
    key = world.other()
    return lambda: world.backend.seals.introduce(key, actor=world.actor)


@case("Seals.adopt")
def _adopt(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.seals.adopt(actor=world.actor)


@case("Seals._keep")
def _verify(world: World) -> Act:
    seal(world.backend)
    return lambda: world.backend.seals.verify(actor=world.actor)


@case("SignOffs.sign_off")
def _sign_off(world: World) -> Act:
    return lambda: world.backend.releases.sign_off("1.2.3", reviewer="Mara", verdict="no-go", actor=world.actor)


@case("Views.save_view")
def _save_view(world: World) -> Act:
    return lambda: world.backend.trail.save_view("Mine", "actor:ana", actor=world.actor)


@case("Views.delete_view")
def _delete_view(world: World) -> Act:
    made = world.backend.trail.save_view("Mine", "actor:ana", actor=world.actor)
    return lambda: world.backend.trail.delete_view(made.id, actor=world.actor)


def _many_reads(world: World) -> None:
    record(world.backend, (entry(ANA, "audio.play", f"audio:{n}") for n in range(300)))
    seal(world.backend)


@case("Watch.check")
def _watch(world: World) -> Act:
    _many_reads(world)
    return lambda: world.backend.upkeep.watch.check(actor=world.backend.system())


@case("Watch.acknowledge")
def _acknowledge(world: World) -> Act:
    _many_reads(world)
    alert = world.backend.upkeep.watch.check(actor=world.backend.system())[0]
    return lambda: world.backend.upkeep.watch.acknowledge(alert.id, "Seen", actor=world.actor)


@case("Backups._publish")
def _backup(world: World) -> Act:
    # the first one introduces the key it is sealed for, which is a signed statement of its own
    world.backend.backups.create(world.folder / "first.lbk", actor=world.actor)
    return lambda: world.backend.backups.create(world.folder / "copy.lbk", actor=world.actor)


@case("Backups.recovery_key")
def _recovery_key(world: World) -> Act:
    return lambda: world.backend.backups.recovery_key(actor=world.actor)


@case("Backups.allow_restore")
def _allow_restore(world: World) -> Act:
    return lambda: world.backend.backups.allow_restore(actor=world.actor)


@case("Audios.generate")
def _generate(world: World) -> Act:
    document = world.document()
    return lambda: world.backend.audios.generate(document, actor=world.actor)


@case("Audios.requeue")
def _requeue(world: World) -> Act:
    audio = world.audio()
    world.sql("UPDATE audios SET status = 'FAILED', object_id = NULL WHERE id = %s", audio)
    return lambda: world.backend.audios.requeue(audio, actor=world.actor)


@case("Audios.play")
def _play(world: World) -> Act:
    audio = world.audio()
    return lambda: world.backend.audios.play(audio, actor=world.actor)


@case("Audios.delete")
def _delete_audio(world: World) -> Act:
    audio = world.audio()
    return lambda: world.backend.audios.delete(audio, actor=world.actor)


@case("Audios.restore")
def _restore_audio(world: World) -> Act:
    audio = world.audio()
    world.backend.audios.delete(audio, actor=world.actor)
    return lambda: world.backend.audios.restore(audio, actor=world.actor)


@case("Exports.export")
def _export_audio(world: World) -> Act:
    world.audio()
    (document,) = world.sql("SELECT max(id) FROM documents")[0]
    return lambda: world.backend.exports.export(int(str(document)), format="mp3", to=world.folder / "a.mp3", actor=world.actor)


@case("Documents.import_file")
def _import(world: World) -> Act:
    path = world.folder / "new.txt"
    path.write_text("Something new to read.", encoding="utf-8")
    return lambda: world.backend.documents.import_file(path, actor=world.actor)


@case("Documents.rename")
def _rename(world: World) -> Act:
    document = world.document()
    version = world.backend.documents.get(document, actor=world.actor).version
    return lambda: world.backend.documents.rename(document, "Another title", actor=world.actor, version=version)


@case("Documents.delete")
def _delete(world: World) -> Act:
    document = world.document()
    return lambda: world.backend.documents.delete(document, actor=world.actor, typed_title="Sample")


@case("Documents.restore")
def _restore(world: World) -> Act:
    document = world.document()
    world.backend.documents.delete(document, actor=world.actor, typed_title="Sample")
    return lambda: world.backend.documents.restore(document, actor=world.actor)


@case("Documents.retry")
def _retry(world: World) -> Act:
    document = world.document()
    world.sql("UPDATE documents SET status = 'FAILED' WHERE id = %s", document)
    return lambda: world.backend.documents.retry(document, actor=world.actor)


@case("House.update")
def _house(world: World) -> Act:
    version = world.backend.house.read(world.actor).version
    return lambda: world.backend.house.update({"warning_days": 14}, version=version, actor=world.actor)


def _job(world: World, *, failed: bool) -> int:
    world.backend.audios.generate(world.document(), actor=world.actor)
    job = world.backend.jobs.listing(actor=world.actor)[0].job_id
    if failed:
        world.sql("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", job)
        world.sql("UPDATE audios SET status = 'FAILED'")
    return job


@case("Jobs.cancel")
def _cancel(world: World) -> Act:
    job = _job(world, failed=False)
    return lambda: world.backend.jobs.cancel(job, actor=world.actor)


@case("Jobs.retry")
def _retry_job(world: World) -> Act:
    job = _job(world, failed=True)
    return lambda: world.backend.jobs.retry(job, actor=world.actor)
