"""The house rules hold for the project, and each of them notices when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import rules

PROVES = {rules.queries: pytest.mark.trace("A76"), rules.log_calls: pytest.mark.trace("A82")}


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.__name__, marks=PROVES.get(rule, ())) for rule in rules.RULES])
def test_the_project_keeps_the_rule(rule: rules.Callable[[], list[str]]) -> None:
    assert rule() == []


@pytest.mark.parametrize(
    ("line", "noticed"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S101", True),
        ("x = 1  # noqa: the tests need it", True),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[arg-type]", True),
        ("x = 1  # nosec", True),
        ("x = 1  # noqa: S101 - the reason is here", False),
        ("x = 1  # noqa: S101, S102  # the reason is here", False),
        ("x = 1  # type: ignore[arg-type]  # the library has no stubs", False),
        ("x = 1  # an ordinary remark", False),
    ],
)
def test_a_silenced_warning_needs_code_and_reason(line: str, noticed: bool) -> None:
    assert bool(list(rules.silenced_without_reason(line))) is noticed


def test_every_silenced_warning_of_the_project_gives_its_reason() -> None:
    assert rules.reasons() == []


@pytest.mark.trace("A76")
@pytest.mark.parametrize(
    ("source", "noticed"),
    [
        ('conn.execute(f"SELECT {name}")', True),
        ('conn.execute(text("SELECT " + name))', True),
        ('conn.execute(text("SELECT %s" % name))', True),
        ('conn.execute("SELECT {}".format(name))', True),
        ('conn.execute(text("SELECT 1"), {"name": name})', False),
        ("conn.execute(select(table).where(table.c.name == name))", False),
        ('conn.execute(f"LISTEN {CHANNEL}")', False),
        ('conn.execute(f"LISTEN {CHANNEL} {name}")', True),
    ],
)
def test_sql_built_from_parts_is_noticed(source: str, noticed: bool) -> None:
    assert bool(list(rules.text_built_in_calls(source, names=rules.SQL_CALLS))) is noticed


@pytest.mark.trace("A82")
@pytest.mark.parametrize(
    ("source", "noticed"),
    [
        ('log.info(f"opened {path}")', True),
        ('self._logger.warning("opened %s" % path)', True),
        ('log.info("opened", path=path)', False),
        ('dialog.info(f"opened {path}")', False),
        ('painter.warning(f"{path}")', False),
    ],
)
def test_log_text_built_from_parts_is_noticed(source: str, noticed: bool) -> None:
    receiver = "log" if "dialog" not in source else "logger"
    assert bool(list(rules.text_built_in_calls(source, names=rules.LOG_METHODS, receiver=receiver))) is noticed


def test_a_long_function_is_noticed_without_counting_its_docstring() -> None:
    docstring = '    """First.\n' + "    more\n" * 40 + '    """\n'
    assert list(rules.long_functions("def short():\n" + docstring + "    return 1\n")) == []
    assert list(rules.long_functions("def long():\n" + "    pass\n" * 31)) == [(1, "long", 31)]


@pytest.mark.parametrize(
    ("source", "noticed"), [("time.sleep(1)", True), ("qtbot.qWait(500)", True), ("time.sleep(0.05)", False), ("e.wait(5)", False)]
)
def test_a_fixed_sleep_is_noticed(source: str, noticed: bool) -> None:
    assert bool(list(rules.sleeps(source))) is noticed


@pytest.mark.trace("A95")
@pytest.mark.parametrize(
    ("line", "noticed"),
    [
        ("pytest.skip()", True),
        ("@pytest.mark.skip", True),
        ("@pytest.mark.xfail(strict=True)", True),
        ("# TODO later", True),
        ('pytest.skip("no display here")', False),
        ('@pytest.mark.skipif(windows, reason="no sockets")', False),
        ('@pytest.mark.xfail(reason="known")', False),
    ],
)
def test_a_skip_or_todo_without_reason_is_noticed(line: str, noticed: bool) -> None:
    assert bool(rules._UNEXPLAINED.search(line)) is noticed


@pytest.mark.trace("A95")
def test_the_project_has_no_unexplained_skip_xfail_or_todo() -> None:
    assert rules.honest_tests() == []


def test_paths_are_found_in_prose() -> None:
    text = "See `backend_core/db/`, `README.md` and ![a picture](docs/a.png); not `lecternctl up`, `http://x/y` or `.venv/bin`."
    assert rules.paths_in(text) == {"backend_core/db/", "README.md", "docs/a.png"}


def test_a_link_is_noticed_wherever_it_leads(tmp_path: Path) -> None:
    file, folder, there, nowhere = (tmp_path / name for name in ("file", "folder", "there", "nowhere"))
    file.touch()
    folder.mkdir()
    there.symlink_to(folder)
    nowhere.symlink_to(tmp_path / "gone")
    assert rules.links([file, folder, there, nowhere]) == [there, nowhere]


@pytest.mark.trace("A93")
def test_the_contributor_guide_maps_the_four_areas_to_files_that_exist() -> None:
    guide = (rules.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for area in ("Security", "Errors", "Queries", "Locks"):
        row = next((line for line in guide.splitlines() if line.startswith(f"| {area}")), "")
        assert rules.paths_in(row), f"{area} names no file"
    assert rules.true_pages() == []


@pytest.mark.trace("A51")
@pytest.mark.parametrize(
    ("source", "noticed"),
    [
        ("row = conn.execute(query.with_for_update())", True),
        ("# lock the row\nrow = conn.execute(query.with_for_update())", True),
        ('conn.execute("SELECT pg_try_advisory_lock(1)")', True),
        ("# lock: two requests would add it twice\nrow = conn.execute(query.with_for_update())", False),
        ("row = conn.execute(query.with_for_update())  # lock: two requests would add it twice", False),
        ("row = conn.execute(query)", False),
    ],
)
def test_a_lock_needs_a_reason(source: str, noticed: bool) -> None:
    assert bool(list(rules.locks_without_reason(source))) is noticed


@pytest.mark.trace("A51")
def test_every_lock_and_every_silenced_warning_gives_its_reason() -> None:
    assert rules.locks() == []
    assert rules.reasons() == []
