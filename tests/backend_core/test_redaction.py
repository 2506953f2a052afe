"""Redaction: no secret by any way into a line, harmless lines untouched, and no input that makes it slow."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_core.bench.log_lines import benign_lines, typical_lines
from backend_core.bench.redaction import first_draft
from backend_core.logs import configure_logging
from backend_core.redaction import redact, redact_line, redact_values
from tests.backend_core.log_forms import FORMS, captured
from tests.backend_core.secret_corpus import KINDS, Secret, secrets

SECRETS = secrets(2_100)
FORMS_EACH = 4
HARMLESS = (
    "2026-11-21T09:03:06.123456Z",
    "job 4711 took 1732181234567 ms",
    "ISBN 978-3-16-148410-0",
    "token_count=12 tokens in page 3",
    "Page 12 of 48, 3.14 %",
    "basic information about tokens",
    "PWD=/home/ana",
    "http://localhost:4873/@types/node",
    "no password was given",
    "password: None",
    '{"password": null, "token": ""}',
    "lectern-worker@host.example.org:4711",
    "icon@2x.png",
    "key=objects/ab/cd",
    "0f3a9d8b7c6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a",
    "def f(password: str, token: str | None) -> None",
)


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[None]:
    before, loud = logging.getLogger().level, logging.raiseExceptions
    configure_logging(tmp_path, process="probe")
    logging.raiseExceptions = False
    yield
    logging.raiseExceptions = loud
    configure_logging(tmp_path, process="after")
    logging.getLogger().setLevel(before)


def leaks(lines: list[tuple[Secret, str]]) -> list[str]:
    return [f"{secret.kind}: {piece!r} in {text[:200]}" for secret, text in lines if (piece := secret.survives_in(text))]


def through(forms: list[str], secret: Secret, stream: Callable[[], str]) -> list[tuple[Secret, str]]:
    lines = []
    for form in forms:
        FORMS[form](secret.text)
        lines.append((secret, stream()))
    return lines


@pytest.mark.trace("A26", "A82")
def test_no_secret_is_readable_in_plain_text() -> None:
    assert len(KINDS) >= 40
    assert leaks([(secret, redact(secret.text)) for secret in SECRETS]) == []


@pytest.mark.trace("A26", "A82")
@pytest.mark.usefixtures("configured")
def test_no_secret_reaches_the_log_by_any_call() -> None:
    names = sorted(FORMS)
    with captured() as stream:

        def taken() -> str:
            text = stream.getvalue()
            stream.seek(0)
            stream.truncate()
            assert json.loads(text)
            return text

        lines: list[tuple[Secret, str]] = []
        for place, secret in enumerate(SECRETS):
            forms = [names[(place // len(KINDS) * FORMS_EACH + n) % len(names)] for n in range(FORMS_EACH)]
            lines += through(forms, secret, taken)
    assert len(lines) == FORMS_EACH * len(SECRETS)
    assert leaks(lines) == []


@pytest.mark.soak
@pytest.mark.usefixtures("configured")
def test_no_secret_reaches_the_log_by_every_call_of_each() -> None:
    with captured() as stream:

        def taken() -> str:
            text = stream.getvalue()
            stream.seek(0)
            stream.truncate()
            return text

        assert leaks([line for secret in SECRETS for line in through(sorted(FORMS), secret, taken)]) == []


@pytest.mark.usefixtures("configured")
def test_without_redaction_the_same_calls_leak() -> None:
    with captured(logging.Formatter("%(message)s")) as stream:
        for secret in SECRETS:
            FORMS["keyword"](secret.text)
        written = stream.getvalue()
    unescaped = written.encode().decode("unicode_escape", "replace")
    found = sum(secret.survives_in(unescaped) is not None for secret in SECRETS[: len(KINDS)])
    assert found > 0.9 * len(KINDS)
    assert len(leaks([(secret, first_draft(secret.text)) for secret in SECRETS])) > 0.2 * len(SECRETS)


def test_harmless_lines_are_left_alone() -> None:
    lines = benign_lines(4_000)
    changed = [(line, redact_line(line)) for line in lines if redact_line(line) != line]
    assert len(changed) <= 0.005 * len(lines), changed[:5]
    assert sum(first_draft(line) != line for line in lines) > 0.005 * len(lines)
    assert [line for line in typical_lines(4_000) if redact_line(line) != line] == []


@pytest.mark.parametrize("line", HARMLESS)
def test_lines_that_only_look_like_secrets_are_left_alone(line: str) -> None:
    assert redact(line) == line


def test_every_secret_in_a_list_a_name_or_a_number_is_found() -> None:
    made = redact_values(
        {
            "password": ["two words", 5],
            "argv": ["psql", "--password", "two words"],
            "phone": 15550101234,
            "token": 123456,
            "ana@example.org": 1,
            "session": {"cookie": "a b"},
            "pages": [1, None, True],
        }
    )
    assert "two words" not in str(made)
    assert "ana@" not in str(made)
    assert (made["phone"], made["token"], made["session"], made["pages"]) == (
        "[phone]",
        "[secret]",
        {"cookie": "[secret]"},
        [1, None, True],
    )


@pytest.mark.parametrize(
    "secret", ["p@ssHunter:22/word", "hun:ter/22long@x", "hunter22 with space", "hunter22%zzlong", "hunter22#tail?more=1", "hunter22'quote"]
)
@pytest.mark.parametrize("form", ["postgresql://ana:{}@nohost.invalid:5432/x", "host=127.0.0.1 port=1 user=ana password={} dbname=x"])
def test_what_the_driver_says_about_a_connection_string_holds_no_part_of_its_password(secret: str, form: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(form.format(secret), connect_timeout=2)
    text = redact(f"{type(caught.value).__name__}: {caught.value}")
    assert Secret("driver", "", (secret, "ssHunter", "hunter22")).survives_in(text) is None


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.text() | st.integers() | st.none() | st.sampled_from([one.text for one in SECRETS[:200]]),
        lambda part: st.lists(part) | st.dictionaries(st.sampled_from(["event", "password", "a", "phone"]), part),
    )
)
def test_a_json_line_stays_json_and_is_redacted_for_good(value: object) -> None:
    line = json.dumps({"event": value}, ensure_ascii=False)
    once = redact_line(line)
    assert isinstance(json.loads(once), dict)
    assert redact_line(redact_line(once)) == redact_line(once)


# Each is the beginning of something that must end in a certain way, and never does.
HOSTILE = (
    "a",
    "1",
    " ",
    "@",
    ".",
    "-",
    "+",
    "://a:",
    "://a:b@",
    "eyJ",
    "eyJaaaaaaaa.",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "a@b.",
    "a.b-c@",
    "password=",
    "password='",
    'token:\\"',
    "--token ",
    "basic YQ",
    "bearer a",
    "+1 ",
    "0171/",
    "555-010-",
    "cookie:",
    "?token=",
    "&a=",
    "%40",
    "%3A%2F%2F",
    "%3A%2F%2Fa%3A",
    "a:5432:",
    "*:*:",
    "$argon2id$",
    "hooks.slack.com/services/",
    "secret_key ",
    "api key",
    "Aa1/",
    "user_1",
    "pass",
    'missing "=" after "',
    "tel (",
    "phone number ",
    "\\n",
    "password is ",
    "('token', '",
    "SG.aaaaaaaaaaaaaaaa.",
    "=",
    "x=y&",
    "key-",
)


def cost(work: Callable[[str], object], text: str) -> float:
    """Return CPU seconds, the least of three."""
    return min(timed(work, text) for _ in range(2))


def timed(work: Callable[[str], object], text: str) -> float:
    begun = time.thread_time()
    work(text)
    return time.thread_time() - begun


def growth(work: Callable[[str], object], piece: str, *, size: int = 20_000) -> float:
    """Return how much more work eight times as much of the same is: about 8 when it is linear, 64 when it is quadratic."""
    small, large = piece * (size // len(piece)), piece * (8 * size // len(piece))
    return cost(work, large) / max(cost(work, small), 1e-4)


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_input_makes_it_slower_than_in_proportion(piece: str) -> None:
    assert min(growth(redact, piece) for _ in range(2)) < 24


def test_the_measure_of_growth_notices_a_quadratic_pattern() -> None:
    naive = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
    assert growth(naive.search, "a", size=1_000) > 24


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_many_of_one_kind_in_one_text_are_all_redacted(kind: str) -> None:
    samples = [secret for secret in SECRETS if secret.kind == kind][:20]
    text = "\n".join(secret.text for secret in samples for _ in range(5))
    assert leaks([(secret, redact(text)) for secret in samples]) == []
