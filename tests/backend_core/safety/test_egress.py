"""Nothing leaves without consent, and nothing leaves before the ledger says so."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Conflict, InvalidInput, LecternError, LimitReached, NotAllowed, NotFound, ProofNeeded, Unavailable
from backend_core.policy import SUPPORT, Actor
from backend_core.safety import transport
from backend_core.safety.egress import MODERATION, PURPOSES
from backend_core.safety.hosts import place_in, place_of
from backend_core.safety.providers import PATH
from backend_core.safety.transport import Https, Request
from tests.backend_core.safety.conftest import Say, Service, scored

WORDS = b"canaryWords"
Try = Callable[[], bytes]


@pytest.fixture
def post(backend: Backend, admin: Actor, service: Service) -> Try:
    return lambda: backend.egress.send(MODERATION, Request(url=f"http://{service.host}{PATH}", body=WORDS), actor=admin)


@pytest.mark.trace("B58")
def test_nothing_is_sent_without_consent_and_nothing_after_it_is_withdrawn(
    backend: Backend, admin: Actor, service: Service, post: Try
) -> None:
    backend.egress.allow(MODERATION, "api.example.com", actor=admin)
    with pytest.raises(NotAllowed):
        post()
    given = backend.egress.allow(MODERATION, service.host, actor=admin)
    assert (given.host, given.given_by) == (service.host, admin.name)
    post()
    with pytest.raises(NotAllowed):
        backend.egress.send("vision", Request(url=f"http://{service.host}/", body=WORDS), actor=admin)
    backend.egress.withdraw(MODERATION, service.host, actor=admin)
    with pytest.raises(NotAllowed):
        post()
    assert len(service.requests) == 1
    rows = backend.egress.ledger(actor=admin)
    assert [(row.purpose, row.host, row.bytes, row.actor) for row in rows] == [(MODERATION, service.host, len(WORDS), admin.name)]
    assert [(one.requests, one.bytes) for one in backend.egress.totals(actor=admin)] == [(1, len(WORDS))]
    assert WORDS.decode() not in repr(rows)


def test_the_ledger_has_the_row_before_the_first_byte_arrives(backend: Backend, admin: Actor, service: Service, post: Try) -> None:
    backend.egress.allow(MODERATION, service.host, actor=admin)
    seen = []

    def answer(_path: str, _body: bytes) -> tuple[int, bytes]:
        with backend.database.begin("Look") as conn:
            seen.append(conn.execute(sa.text("SELECT count(*) FROM egress_ledger")).scalar_one())
        return 503, b""

    service.answer = answer
    with pytest.raises(Unavailable):
        post()
    assert seen == [1]
    assert len(backend.egress.ledger(actor=admin)) == 1


def test_when_the_ledger_cannot_be_written_nothing_leaves(
    backend: Backend, admin: Actor, service: Service, post: Try, clean: EmbeddedServer
) -> None:
    backend.egress.allow(MODERATION, service.host, actor=admin)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("REVOKE INSERT ON egress_ledger FROM lectern_app")
        try:
            with pytest.raises(LecternError):
                post()
        finally:
            conn.execute("GRANT INSERT ON egress_ledger TO lectern_app")
    assert service.requests == []


def test_consent_is_given_by_an_administrator_who_proved_who_they_are(backend: Backend, admin: Actor) -> None:
    with pytest.raises(NotAllowed):
        backend.egress.allow(MODERATION, "api.example.com", actor=replace(admin, role=SUPPORT))
    with pytest.raises(ProofNeeded):
        backend.egress.allow(MODERATION, "api.example.com", actor=replace(admin, proven_until=None))
    backend.egress.allow(MODERATION, "API.example.com.", actor=admin)
    with pytest.raises(Conflict):
        backend.egress.allow(MODERATION, "api.example.com", actor=admin)
    with pytest.raises(NotFound):
        backend.egress.withdraw("vision", "api.example.com", actor=admin)
    with pytest.raises(InvalidInput):
        backend.egress.allow("gossip", "api.example.com", actor=admin)
    backend.egress.withdraw(MODERATION, "api.example.com", actor=admin)
    assert backend.egress.consents(actor=admin) == ()
    (past,) = backend.egress.consents(actor=admin, withdrawn=True)
    assert past.withdrawn_by == admin.name
    recorded = [(one.action, one.target) for one in backend.audit.latest(actor=admin) if one.action.startswith("egress.")]
    assert recorded == [("egress.withdraw", "egress:moderation"), ("egress.allow", "egress:moderation")]
    assert MODERATION in PURPOSES


def test_the_ledger_is_only_added_to(backend: Backend, admin: Actor, service: Service, post: Try) -> None:
    backend.egress.allow(MODERATION, service.host, actor=admin)
    post()
    for harm in ("DELETE FROM egress_ledger", "UPDATE egress_ledger SET bytes = 0", "DELETE FROM egress_consent"):
        with pytest.raises(LecternError), backend.database.begin("Harm") as conn:
            conn.execute(sa.text(harm))
    assert len(backend.egress.ledger(actor=admin)) == 1


def test_allowed_hosts_are_known_at_once_here_and_soon_elsewhere(backend: Backend, admin: Actor) -> None:
    assert backend.egress.hosts(MODERATION) == ()
    backend.egress.allow(MODERATION, "a.example.com", actor=admin)
    backend.egress.allow(MODERATION, "b.example.com", actor=admin)
    assert backend.egress.hosts(MODERATION) == ("b.example.com", "a.example.com")


@pytest.mark.parametrize(
    "host",
    [
        "", " ", "http://a.example.com", "a.example.com/x", "user@a.example.com", "a b.example.com", "a..example.com", "-a.example.com",
        "169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1", "127.1", "0x7f.1",
        "a.example.com:0", "a.example.com:99999", "a\\b", "a?b", "a#b",
        "[::ffff:169.254.169.254]", "2852039166", "x" * 64 + ".example.com", "a.example.com:x", "evil.example.com\r\nHost: x",
    ],
)  # fmt: skip
def test_what_is_no_host_or_an_address_no_service_has_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        place_of(host)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.com/", "ftp://a.example.com/", "https://u:p@a.example.com/", "https:///x", "//a.example.com/", "file:///etc/passwd",
        "https://169.254.169.254/latest", "http://0.0.0.0/", "https://a.example.com:99999/",
    ],
)  # fmt: skip
def test_text_goes_over_https_to_a_plain_host_only(url: str) -> None:
    with pytest.raises(InvalidInput):
        place_in(url)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://Api.Example.com/v1", "api.example.com"),
        ("https://a.example.com:8443/", "a.example.com:8443"),
        ("http://localhost:11434/v1", "localhost:11434"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_a_good_address_has_one_name(url: str, key: str) -> None:
    assert place_in(url).key == key
    assert place_of(key) == place_in(url)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(service: Service, status: int) -> None:
    service.answer = lambda _path, _body: (status, b"")
    with pytest.raises(Unavailable):
        Https().post(Request(url=f"http://{service.host}/", body=WORDS))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(status, InvalidInput) for status in (400, 401, 403, 404)] + [(status, Unavailable) for status in (408, 429, 500, 503)],
)
def test_a_refusal_of_the_service_is_one_plain_sentence(service: Service, status: int, error: type[LecternError]) -> None:
    service.answer = lambda _path, _body: (status, b"secret words of the service")
    with pytest.raises(error) as caught:
        Https().post(Request(url=f"http://{service.host}/", body=WORDS))
    assert "secret" not in str(caught.value)


def test_a_service_that_is_not_there_is_away(service: Service) -> None:
    service.stop()
    with pytest.raises(Unavailable):
        Https().post(Request(url=f"http://{service.host}/", body=WORDS))


def test_an_answer_that_never_ends_is_cut_off(service: Service) -> None:
    service.answer = lambda _path, _body: (200, b"x" * (transport.LONGEST_ANSWER + 1))
    with pytest.raises(LimitReached):
        Https().post(Request(url=f"http://{service.host}/", body=WORDS))


def test_an_answer_whose_every_part_comes_in_time_and_the_whole_never_is_given_up() -> None:
    sent = []

    def trickle(listening: socket.socket) -> None:
        with listening.accept()[0] as caller, contextlib.suppress(OSError):
            caller.recv(2**16)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n")
            for _ in range(600):
                caller.sendall(b"x")
                sent.append(1)
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=trickle, args=(listening,))
        server.start()
        with pytest.raises(Unavailable):
            Https().post(Request(url=f"http://127.0.0.1:{listening.getsockname()[1]}/", body=WORDS, timeout_s=0.5))
        server.join()
    assert 0 < len(sent) < 600, "it was hung up on"


@pytest.mark.trace("B58")
@pytest.mark.logs("service left alone")
def test_messages_are_judged_by_the_allowed_host_and_wait_for_review_when_it_is_away(
    backend: Backend, admin: Actor, service: Service, say: Say
) -> None:
    backend.egress.allow(MODERATION, service.host, actor=admin)
    service.answer = lambda _path, _body: (200, scored(harassment=0.61))
    assert say("You are quite something").safety.action == "blocked"  # type: ignore[attr-defined]  # a verdict
    service.answer = lambda _path, _body: (503, b"")
    taken = say("Dinner at seven?")
    assert taken.safety.action == "unchecked"  # type: ignore[attr-defined]  # a verdict
    status, sentence = backend.safety.health()
    assert (status, "1 message passed unchecked" in sentence) == ("degraded", True)
    unchecked = [row for row in backend.safety.review_queue(actor=admin) if row.action == "unchecked"]
    assert [(row.category, row.score, row.provider) for row in unchecked] == [("any", None, "openai+local")]
    assert backend.safety.counts(actor=admin).unchecked == 1
    for _ in range(10):
        backend.safety.check("Dinner at seven?")
    assert backend.safety.status(actor=admin).breaker == "open"
    assert "minors fail closed" in backend.safety.health()[1]
    alerts = backend.upkeep.watch.check(actor=backend.system())
    assert [(alert.rule, alert.subject) for alert in alerts] == [("moderation_away", "safety:moderation")]
    checks = {check.name: check.status for check in backend.monitoring.health(actor=admin).checks}
    assert checks["Moderation"] == "degraded"


def test_a_host_without_its_key_counts_as_away_and_the_key_is_kept_in_the_vault(backend: Backend, admin: Actor) -> None:
    backend.egress.allow(MODERATION, "api.example.com", actor=admin)
    assert backend.safety.check("Dinner at seven?").action == "unchecked"
    assert backend.safety.health()[0] == "degraded"
    for wrong in ("", " ", "two words", "x" * 401, "schlüssel"):
        with pytest.raises(InvalidInput):
            backend.safety.set_key(wrong, actor=admin)
    backend.safety.set_key("sk-canaryKey", actor=admin)
    try:
        assert backend.credentials.get("moderation.key") == "sk-canaryKey"
        assert backend.safety.status(actor=admin).key
        assert "canaryKey" not in repr(backend.audit.latest(actor=admin))
    finally:
        backend.safety.set_key(None, actor=admin)
    assert backend.credentials.get("moderation.key") is None
    assert backend.egress.ledger(actor=admin) == ()
