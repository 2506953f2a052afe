"""Connection strings: nothing leaves this computer unprotected, whatever names the server, and no secret is shown."""

from __future__ import annotations

import pytest

from backend_core.db.conninfo import complete, keywords, without_password
from backend_core.db.probe import server_facts
from backend_core.errors import InvalidInput

HERE = (
    "dbname=x",
    "host=/run/db",
    "host=@lectern",
    "host=localhost",
    "host=LOCALHOST",
    "host=127.0.0.2",
    "host=::1",
    "host=db hostaddr=127.0.0.1",
)
ELSEWHERE = (
    "host=db.example", "host=10.0.0.1", "host=0.0.0.0", "host=localhost.example", "host=127.0.0.1,db", "host=db hostaddr=10.0.0.1",
    "host=localhost hostaddr=10.0.0.1", "service=team", "host=db sslmode=require", "host=db sslmode=verify-ca", "host=db sslmode=prefer",
    "postgresql://ana@db/x", "postgresql+psycopg://ana@db/x?sslmode=require",
)  # fmt: skip


@pytest.mark.parametrize("dsn", HERE)
def test_what_stays_on_this_computer_needs_no_certificate(dsn: str) -> None:
    assert keywords(complete(dsn, application="lectern-test"))["application_name"].startswith("lectern-test@")


@pytest.mark.parametrize("dsn", ELSEWHERE)
def test_what_leaves_this_computer_needs_one_that_proves_the_server_s_name(dsn: str) -> None:
    for use in (lambda: complete(dsn, application="lectern-test"), lambda: server_facts(dsn)):
        with pytest.raises(InvalidInput, match="sslmode=verify-full") as caught:
            use()
        assert "db" not in str(caught.value).replace("so that nobody", "")
    protected = dsn.replace("sslmode=require", "").replace("sslmode=verify-ca", "").replace("sslmode=prefer", "").rstrip("?")
    protected += f"{'&' if '?' in protected else '?'}sslmode=verify-full" if "://" in protected else " sslmode=verify-full"
    assert keywords(complete(protected, application="lectern-test"))["sslmode"] == "verify-full"


def test_what_the_environment_names_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(InvalidInput):
        complete("dbname=x", application="lectern-test")
    assert complete("dbname=x host=/run/db", application="lectern-test")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert complete("dbname=x", application="lectern-test")
    monkeypatch.delenv("PGSSLMODE")
    monkeypatch.setenv("PGHOST", "localhost")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    with pytest.raises(InvalidInput):
        complete("dbname=x", application="lectern-test")


@pytest.mark.trace("A4")
@pytest.mark.parametrize(
    "dsn", ["host=/run/db user=ana password=hunter2", "postgresql://ana:hunter2@127.0.0.1/x", "dbname=x user=ana sslpassword='hunter2'"]
)
def test_a_connection_string_without_its_password_leads_to_the_same_place(dsn: str) -> None:
    shown = without_password(dsn)
    assert "hunter2" not in shown
    assert keywords(shown).items() <= keywords(dsn).items()
    assert keywords(shown)["user"] == "ana"


def test_what_is_no_connection_string_gets_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="not a connection string"):
        server_facts("hunter2")
