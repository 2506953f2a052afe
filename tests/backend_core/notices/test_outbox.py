"""Mail and webhook: each event once, kept until it left, signed, encrypted, and only where somebody consented."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, LecternError, NotAllowed, Unavailable
from backend_core.jobs.supervisor import settings_environment
from backend_core.notices import mail as letters
from backend_core.notices import outbox
from backend_core.notices.records import Delivered
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.log_forms import captured
from tests.backend_core.notices.conftest import ADDRESS, Raise, set_up_mail
from tests.backend_core.notices.mail_server import PASSWORD, USER, MailServer
from tests.backend_core.safety.conftest import Service

SECRET = "canaryHookKey7"
Deliver = Callable[[], Delivered]
Sql = Callable[..., list[tuple[object, ...]]]
_CHILD = """
from backend_core.backend import open_backend
from backend_core.settings import load_settings
with open_backend(load_settings(), application="worker") as backend:
    backend.notices.deliver_due(actor=backend.system())
"""


@pytest.fixture
def deliver(backend: Backend, system: Actor, sql: Sql) -> Deliver:
    """Return a function that makes everything due and delivers it."""

    def call() -> Delivered:
        sql("UPDATE notice_deliveries SET next_at = now() WHERE status = 'WAITING'")
        return backend.notices.deliver_due(actor=system)

    return call


@pytest.fixture
def sql(clean: EmbeddedServer) -> Sql:
    def call(statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return call


@pytest.fixture
def by_hook(backend: Backend, admin: Actor, hook: Service) -> Service:
    """The webhook, set up and consented to."""
    version = backend.house.read(admin).version
    backend.house.update({"webhook_url": f"http://{hook.host}/in?x=1"}, version=version, actor=admin)
    backend.egress.allow("webhook", hook.host, actor=admin)
    backend.notices.set_secret("webhook", SECRET, actor=admin)
    return hook


def test_an_event_is_mailed_once_and_its_end_once(
    backend: Backend, admin: Actor, system: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver
) -> None:
    for _ in range(3):
        notify(title="Full\r\nBcc: canary@example.org")
        deliver()
    backend.notices.resolve("pool_full", "worker", actor=system)
    for _ in range(2):
        deliver()
    begun, over = (parsed for _, to, parsed in by_mail.messages if to == (ADDRESS,))
    assert begun["Subject"] == "Lectern: Warning: Full Bcc: canary@example.org"
    assert over["Subject"] == "Lectern: Over: Full Bcc: canary@example.org"
    assert (begun["Bcc"], begun["To"], begun["From"]) == (None, ADDRESS, "lectern@example.org")
    assert begun["Message-ID"] != over["Message-ID"]
    assert "8 of 10 are in use." in begun.get_content()
    assert [(row.purpose, row.host) for row in backend.egress.ledger(actor=admin)] == [("mail", f"127.0.0.1:{by_mail.port}")] * 2


def test_what_nobody_consented_to_waits_and_leaves_when_somebody_does(
    backend: Backend, admin: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver
) -> None:
    backend.egress.withdraw("mail", f"127.0.0.1:{by_mail.port}", actor=admin)
    notice_id = notify()
    assert deliver() == Delivered(sent=0, later=1, failed=0)
    [waiting] = backend.notices.deliveries(notice_id, actor=admin)
    assert (waiting.status, waiting.attempts) == ("WAITING", 1)
    assert "consented" in (waiting.error or "")
    assert backend.notices.health()[0] == "degraded"
    assert not backend.notices.channels(actor=admin)[0].ready
    assert (by_mail.messages, backend.egress.ledger(actor=admin)) == ([], ())
    backend.egress.allow("mail", f"127.0.0.1:{by_mail.port}", actor=admin)
    assert deliver().sent == 1
    [sent] = backend.notices.deliveries(notice_id, actor=admin)
    assert (sent.status, sent.attempts, sent.error) == ("SENT", 2, None)
    assert backend.notices.health()[0] == "ok"
    assert backend.notices.channels(actor=admin)[0].sentence == "It works."


@pytest.mark.logs("notice given up")
def test_a_server_that_is_away_is_asked_once_a_round_and_less_often_each_time(
    backend: Backend, admin: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver, sql: Sql
) -> None:
    by_mail.refuse = 451
    ids = [notify(subject=str(number)) for number in range(5)]
    waits = []
    for _ in range(9):
        assert deliver() == Delivered(sent=0, later=1, failed=0)
        [(wait,)] = sql("SELECT extract(epoch FROM min(next_at) - now())::float FROM notice_deliveries")
        waits.append(round(float(str(wait)) / 30))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    told = [one.error for one in backend.notices.deliveries(ids[0], actor=admin)]
    assert told == ["The mail server cannot take the message now (code 451)."]
    sql("UPDATE notice_deliveries SET attempts = %s", outbox.MOST_ATTEMPTS - 1)
    assert deliver().failed == 1
    by_mail.refuse = None
    while deliver().sent:
        pass
    assert len(by_mail.messages) == 4


def test_two_hosts_that_deliver_at_once_send_each_message_once(backend: Backend, system: Actor, by_mail: MailServer, notify: Raise) -> None:
    for number in range(6):
        notify(subject=str(number))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: backend.notices.deliver_due(actor=system), range(4)))
    assert sum(one.sent for one in done) == 6
    assert len(by_mail.messages) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="the fault ends the process by a signal")
def test_a_worker_killed_between_sending_and_saying_so_leaves_a_message_that_comes_twice_and_is_known_to(
    backend: Backend, admin: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver, settings: Settings
) -> None:
    notice_id = notify()
    given = settings_environment(settings) | {"LECTERN_FAULT": "notice.sent"}
    child = subprocess.run([sys.executable, "-c", _CHILD], env=given, capture_output=True, check=False)
    assert child.returncode < 0, child.stderr
    assert [one.error for one in backend.notices.deliveries(notice_id, actor=admin)] == [outbox.BEGUN]
    assert deliver().sent == 1
    [sent] = backend.notices.deliveries(notice_id, actor=admin)
    assert (sent.status, sent.attempts, sent.error) == ("SENT", 2, outbox.TWICE)
    first, second = by_mail.messages
    # by which whoever receives both tells that they are one
    assert first[2]["Message-ID"] == second[2]["Message-ID"]


def test_what_is_silenced_acknowledged_or_about_the_channel_itself_does_not_leave(
    backend: Backend, admin: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver
) -> None:
    silence = backend.notices.silence("pool_full", "", dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), actor=admin)
    notify()
    backend.notices.acknowledge(notify("disk"), actor=admin)
    notify("notice_delivery", "email")
    notify("job_failed", "job:1", operator_id=admin.operator_id)
    assert deliver() == Delivered(sent=0, later=0, failed=0)
    # it lasts, and nobody keeps it quiet any more
    backend.notices.lift(silence.id, actor=admin)
    assert deliver().sent == 1
    assert by_mail.messages[0][2]["Subject"] == "Lectern: Warning: A pool is full"


def test_what_is_for_one_person_goes_to_their_address(
    backend: Backend, admin: Actor, by_mail: MailServer, notify: Raise, deliver: Deliver, sql: Sql
) -> None:
    sql("UPDATE operators SET email = 'ana@example.org' WHERE id = %s", admin.operator_id)
    notify("job_failed", "job:1", operator_id=admin.operator_id)
    assert deliver().sent == 1
    assert by_mail.messages[0][1] == ("ana@example.org",)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_encrypted_and_the_certificate_checked(backend: Backend, admin: Actor, certificate: Path, security: str, sql: Sql) -> None:
    server = MailServer(certificate=certificate, starttls=security == "starttls", tls=security == "tls")
    try:
        set_up_mail(backend, admin, server.port, security=security, host="localhost", user=USER)
        with pytest.raises(InvalidInput, match="No password is kept"):
            backend.notices.test("email", actor=admin)
        with captured() as lines:
            backend.notices.set_secret("email", PASSWORD, actor=admin)
            # a certificate that this computer does not know
            with pytest.raises(Unavailable, match="certificate"):
                backend.notices.test("email", actor=admin)
        assert server.sign_ins == []
        letter, house = letters.Letter(to=ADDRESS, subject="x", text="y"), backend.house.current()
        message = letters.message(letter, sender="lectern@example.org", key="1", name="db")
        letters.send(letters.server_of(house), message, password=PASSWORD, ca_file=str(certificate))
        assert (server.sign_ins, server.encrypted, len(server.messages)) == ([(USER, PASSWORD)], True, 1)
        with pytest.raises(InvalidInput, match="user or the password"):
            letters.send(letters.server_of(house), message, password="wrong", ca_file=str(certificate))
        assert PASSWORD not in str(lines)
        assert not [row for row in sql("SELECT event::text FROM audit_event event") if PASSWORD in str(row)]
    finally:
        server.stop()


def test_mail_never_leaves_in_the_open(backend: Backend, admin: Actor, by_mail: MailServer) -> None:
    house = backend.house.current()
    # a server that offers no encryption is not spoken to without it
    plain = letters.server_of(house.model_copy(update={"mail_security": "starttls"}))
    message = letters.message(letters.Letter(to=ADDRESS, subject="x", text="y"), sender="lectern@example.org", key="1", name="db")
    with pytest.raises(InvalidInput, match="no encryption"):
        letters.send(plain, message, password=None)
    version = backend.house.read(admin).version
    backend.house.update({"mail_host": "mail.example.org"}, version=version, actor=admin)
    backend.egress.allow("mail", f"mail.example.org:{by_mail.port}", actor=admin)
    with pytest.raises(InvalidInput, match="encrypted only"):
        backend.notices.test("email", actor=admin)
    assert by_mail.messages == []


@pytest.mark.parametrize("wrong", ["a@b\r\nBcc: c@d", "a@b, c@d", "a b@c", "<a@b>", "a@b>", "no address", "ä@b"])
def test_no_address_becomes_a_header_or_a_second_address(wrong: str) -> None:
    for sender, to in ((wrong, ADDRESS), (ADDRESS, wrong)):
        with pytest.raises(InvalidInput):
            letters.message(letters.Letter(to=to, subject="x", text="y"), sender=sender, key="1", name="db")


def test_a_post_says_what_happened_and_who_sent_it(
    backend: Backend, admin: Actor, by_hook: Service, notify: Raise, deliver: Deliver
) -> None:
    notice_id = notify(target={"tab": "pool"})
    assert deliver().sent == 1
    [(path, headers, body)] = by_hook.requests
    told = json.loads(body)
    assert (path, told["event"], told["version"], told["attempt"]) == ("/in?x=1", "raised", 1, 1)
    notice = told["notice"]
    assert (notice["id"], notice["kind"], notice["subject"], notice["target"]) == (notice_id, "pool_full", "worker", {"tab": "pool"})
    stamp = headers["X-Lectern-Timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Lectern-Signature"] == f"v1={expected}"
    assert headers["Idempotency-Key"].endswith(f"-{notice_id}-raised")
    assert SECRET not in str(headers) + body.decode()
    assert [(row.purpose, row.host, row.bytes) for row in backend.egress.ledger(actor=admin)] == [("webhook", by_hook.host, len(body))]


def test_a_post_is_repeated_under_the_same_key_until_it_is_taken(by_hook: Service, notify: Raise, deliver: Deliver) -> None:
    answers = iter([(500, b""), (302, b""), (404, b""), (204, b"")])
    by_hook.answer = lambda _path, _body: next(answers)
    notify()
    assert [deliver().sent for _ in range(5)] == [0, 0, 0, 1, 0]
    assert len({headers["Idempotency-Key"] for _, headers, _ in by_hook.requests}) == 1
    assert [json.loads(body)["attempt"] for _, _, body in by_hook.requests] == [1, 2, 3, 4]


def test_a_webhook_without_key_address_or_encryption_sends_nothing(backend: Backend, admin: Actor, by_hook: Service) -> None:
    assert backend.notices.test("webhook", actor=admin) == by_hook.host
    backend.notices.set_secret("webhook", "", actor=admin)
    with pytest.raises(InvalidInput, match="No key"):
        backend.notices.test("webhook", actor=admin)
    backend.notices.set_secret("webhook", SECRET, actor=admin)
    for address, error in (("http://hooks.example.org/", InvalidInput), ("https://unasked.example.org/", NotAllowed), ("", InvalidInput)):
        backend.house.update({"webhook_url": address}, version=backend.house.read(admin).version, actor=admin)
        with pytest.raises(error):
            backend.notices.test("webhook", actor=admin)
    assert [json.loads(body)["event"] for _, _, body in by_hook.requests] == ["test"]
    for call in (lambda: backend.notices.test("pigeon", actor=admin), lambda: backend.notices.set_secret("pigeon", "x", actor=admin)):
        with pytest.raises(LecternError):
            call()
