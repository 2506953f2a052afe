"""The log search: every process, every rotated file, newest first, whatever is in the files."""

from __future__ import annotations

import datetime as dt
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from backend_core.errors import InvalidInput, NotAllowed
from backend_core.monitoring.logbook import UNREADABLE, Logbook, LogEntry, LogFilter, since
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.backend_core.secret_corpus import secrets

READER = Actor(operator_id=1, name="Ana", role=AUDITOR, workstation="ws")
ALL = LogFilter()
MANY = 10_000
START = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)


def line(second: int, event: str, **facts: object) -> str:
    at = (START + dt.timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": event, "level": "info", "logger": "x", "timestamp": at, **facts}) + "\n"


@pytest.fixture
def book(tmp_path: Path) -> Logbook:
    (tmp_path / "desktop.log.2").write_text("".join(line(n, f"click {n}") for n in range(10)), encoding="utf-8")
    (tmp_path / "desktop.log.1").write_text("".join(line(n, f"click {n}") for n in range(10, 20)), encoding="utf-8")
    (tmp_path / "desktop.log").write_text("".join(line(n, f"click {n}") for n in range(20, 30)), encoding="utf-8")
    (tmp_path / "worker.log").write_text("".join(line(n, f"job {n}", correlation_id=f"c-{n}") for n in range(5, 30, 5)), encoding="utf-8")
    (tmp_path / "desktop-crash.log").write_text("Fatal Python error\n", encoding="utf-8")
    return Logbook(tmp_path)


def everything(book: Logbook, wanted: LogFilter = ALL, *, limit: int = 7) -> list[LogEntry]:
    page = book.search(wanted, actor=READER, limit=limit)
    found = list(page.entries)
    while page.next is not None:
        page = book.search(wanted, actor=READER, limit=limit, after=page.next)
        found += page.entries
        assert len(found) < MANY, "the pages never end"
    return found


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_hold_every_line_once_newest_first(book: Logbook, limit: int) -> None:
    found = everything(book, limit=limit)
    assert len(found) == len({entry.key for entry in found}) == 35
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
    assert book.processes(actor=READER) == ("desktop", "worker")


def test_filters_select_by_each_fact(book: Logbook) -> None:
    assert [entry.event for entry in everything(book, LogFilter(correlation="c-10"))] == ["job 10"]
    assert [entry.event for entry in everything(book, LogFilter(text="CLICK 2"))] == [*(f"click {n}" for n in range(29, 19, -1)), "click 2"]
    assert {entry.process for entry in everything(book, LogFilter(process="worker"))} == {"worker"}
    assert len(everything(book, LogFilter(since=START + dt.timedelta(seconds=25)))) == 6
    assert everything(book, LogFilter(level="WARNING")) == []
    with pytest.raises(InvalidInput):
        book.search(LogFilter(level="LOUD"), actor=READER)


def test_only_those_who_may_read_logs_get_any(book: Logbook) -> None:
    support = Actor(operator_id=2, name="Ben", role=SUPPORT, workstation="ws")
    with pytest.raises(NotAllowed):
        book.search(LogFilter(), actor=support)
    with pytest.raises(NotAllowed):
        book.processes(actor=support)


def test_a_rotation_between_two_pages_neither_skips_nor_repeats(book: Logbook) -> None:
    page = book.search(LogFilter(process="desktop"), actor=READER, limit=5)
    for old, new in (("desktop.log.2", "desktop.log.3"), ("desktop.log.1", "desktop.log.2"), ("desktop.log", "desktop.log.1")):
        (book.folder / old).rename(book.folder / new)
    (book.folder / "desktop.log").write_text(line(99, "newer"), encoding="utf-8")
    rest = book.search(LogFilter(process="desktop"), actor=READER, limit=100, after=page.next)
    assert [entry.event for entry in (*page.entries, *rest.entries)] == [f"click {n}" for n in range(29, -1, -1)]


def test_a_file_cut_short_or_gone_between_two_pages_ends_quietly(book: Logbook) -> None:
    page = book.search(LogFilter(process="desktop"), actor=READER, limit=2)
    os.truncate(book.folder / "desktop.log", 0)
    rest = book.search(LogFilter(process="desktop"), actor=READER, limit=100, after=page.next)
    assert [entry.event for entry in rest.entries] == [f"click {n}" for n in range(19, -1, -1)]
    for path in book.folder.iterdir():
        path.unlink()
    assert book.search(LogFilter(), actor=READER, after=page.next).entries == ()
    assert Logbook(book.folder / "none").search(LogFilter(), actor=READER).entries == ()


def test_garbage_is_shown_as_such_and_hides_nothing_around_it(book: Logbook) -> None:
    with (book.folder / "desktop.log").open("ab") as file:
        file.write(b'\x00\xff\xfe binary\n\n[1, 2]\n{"event": "cut\npassword=hunter2hunter2\n' + b"x" * 700_000 + b"\n")
        file.write(line(40, "after").encode())
    found = everything(book, LogFilter(process="desktop"))
    assert found[0].event == "after"
    assert sum(entry.event == UNREADABLE for entry in found) >= 5
    assert sum(entry.event.startswith("click") for entry in found) == 30
    assert "hunter2hunter2" not in str(found)
    assert max(len(value) for entry in found for _, value in entry.fields) <= 2_000


def test_old_secrets_are_redacted_on_reading_and_cannot_be_searched_for(book: Logbook) -> None:
    with (book.folder / "worker.log").open("a", encoding="utf-8") as file:
        file.write(line(50, "old", note="password=hunter2hunter2 for ana@example.org"))
    assert "hunter2" not in str(everything(book, LogFilter(text="old")))
    assert everything(book, LogFilter(text="hunter2hunter2")) == []


def test_memory_does_not_grow_with_the_files(book: Logbook) -> None:
    def peak(lines: int) -> int:
        (book.folder / "worker.log").write_text("".join(line(n, "x" * 200) for n in range(lines)), encoding="utf-8")
        tracemalloc.start()
        book.search(LogFilter(text="nowhere"), actor=READER)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 2 * peak(2_000)


@pytest.mark.parametrize("text", ["", "yesterday", "12x", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        since(text)


@pytest.mark.trace("A26")
def test_no_secret_leaves_a_file_that_was_written_without_redaction(book: Logbook) -> None:
    made = secrets(600)
    with (book.folder / "worker.log").open("a", encoding="utf-8") as file:
        for place, secret in enumerate(made):
            file.write(line(100 + place, "old", value=secret.text) if place % 2 else secret.text.replace("\n", " ") + "\n")
    found = everything(book, LogFilter(process="worker"), limit=1_000)
    assert len(found) == 600 + 5
    shown = "\n".join(str(entry) for entry in found)
    assert [secret.kind for secret in made if secret.survives_in(shown)] == []
