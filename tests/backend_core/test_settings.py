"""Process settings: argument over environment over profile over file over default, and complaints that never show a value."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from backend_core.settings import Settings, SettingsError, load_settings

TEXTS = {
    "dsn": "host=/run/db dbname=lectern",
    "objects": "stored",
    "log_level": "ERROR",
    "extraction_memory_mib": "256",
    "retry_jitter": "0.5",
}
NAMES = [name for name in Settings.model_fields if name != "home"]
WAYS = ("argument", "environment", "file")
CHOICES = {"log_level": ("ERROR", "WARNING", "DEBUG"), "record_metrics": ("figures", "statements", "nothing")}


def value_of(name: str, way: str) -> str:
    """A value for the setting that is another one for each way it is given."""
    number = WAYS.index(way)
    if name in CHOICES:
        return CHOICES[name][number]
    if name == "retry_jitter":
        return f"0.{number + 3}"
    if Path in get_args(Settings.model_fields[name].annotation):
        return f"/tmp/{way}"
    if name.endswith("_service_model"):
        return f"model-{way}"
    if name == "dsn":
        return f"dbname={way}"
    return str({"extraction_memory_mib": 256}.get(name, 6) + number)


def write(home: Path, text: str | bytes, *, name: str = "lectern.toml") -> Path:
    path = home / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def as_text(settings: Settings, name: str) -> str:
    return str(getattr(settings, name)).removesuffix(".0")


@pytest.mark.trace("A61")
@pytest.mark.parametrize("name", NAMES)
def test_each_setting_is_taken_from_the_argument_then_the_environment_then_the_file_then_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("LECTERN_HOME", str(tmp_path))
    delivered = as_text(load_settings(), name)
    assert load_settings().source(name) == "default"
    in_file = value_of(name, "file")
    write(tmp_path, f"{name} = {in_file if in_file.replace('.', '').isdecimal() else json.dumps(in_file)}\n")
    assert (as_text(load_settings(), name), load_settings().source(name)) == (in_file, "file")
    monkeypatch.setenv(f"LECTERN_{name.upper()}", value_of(name, "environment"))
    assert (as_text(load_settings(), name), load_settings().source(name)) == (value_of(name, "environment"), "environment")
    told = load_settings(**{name: value_of(name, "argument")})
    assert (as_text(told, name), told.source(name)) == (value_of(name, "argument"), "argument")
    assert len({delivered, *(value_of(name, way) for way in WAYS)}) == 4


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LECTERN_DSN", "")
    assert load_settings(home=tmp_path).embedded


def test_a_complaint_names_the_setting_and_keeps_its_value_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_POOL_SIZE", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith("A setting cannot be used. LECTERN_POOL_SIZE: ")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.trace("A61")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("pool_size = 'hunter2'", "pool_size in config/lectern.toml: "),
        ("pool_size = 0", "pool_size in config/lectern.toml: "),
        ("pool_size = 201", "pool_size in config/lectern.toml: "),
        ("pool_size = true", "pool_size in "),
        ("pool_size = [1]", "pool_size in config/lectern.toml: "),
        ("pool_timeout_s = nan", "pool_timeout_s in config/lectern.toml: "),
        ("pool_recycle_s = inf", "pool_recycle_s in config/lectern.toml: "),
        ("worker_concurrency = '٣'", "worker_concurrency in config/lectern.toml: "),
        (f"worker_concurrency = {10**30}", "worker_concurrency in config/lectern.toml: "),
        ("pool_sise = 3", "There is no setting pool_sise ("),
        ("[pool]\nsize = 3", "There is no setting pool ("),
        ('"a\\nb" = 3', "There is no setting a?b ("),
        ("home = '/elsewhere'", "cannot say where the home is"),
        ("pool_size = 3\npool_size =\n", "is not valid TOML (line 2)"),
        (b"\xff\xfe", "is not text in UTF-8"),
        ("dsn = 'postgresql://ana:hunter2@db/x'", "holds a password"),
        ("dsn = 'host=db password = hunter2'", "holds a password"),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_sentence_with_its_name_and_the_key(tmp_path: Path, content: str | bytes, words: str) -> None:
    write(tmp_path, content)
    with pytest.raises(SettingsError) as caught:
        load_settings(home=tmp_path)
    sentence = str(caught.value)
    assert words in sentence
    assert "lectern.toml" in sentence
    assert "hunter2" not in sentence
    assert "\n" not in sentence


def test_a_setting_nobody_knows_is_refused_as_an_argument_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no setting nonsense"):
        load_settings(home=tmp_path, nonsense=1)


def test_a_folder_named_in_the_file_lies_in_the_home_whatever_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "objects = 'stored'")
    monkeypatch.chdir("/")
    assert load_settings(home=tmp_path).objects_dir == tmp_path / "stored"


def test_a_profile_says_which_server_unless_the_environment_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"kind": "server", "host": "db.example", "port": 5432, "database": "it's a \\ name", "user": "ana", "sslmode": "verify-full"}
    write(tmp_path, json.dumps(facts), name="profile.json")
    write(tmp_path, "dsn = 'host=other'")
    settings = load_settings(home=tmp_path)
    assert settings.source("dsn") == "profile"
    assert settings.dsn == r"host='db.example' port='5432' dbname='it\'s a \\ name' user='ana' sslmode='verify-full'"
    monkeypatch.setenv("LECTERN_DSN", "host=/run/db")
    assert load_settings(home=tmp_path).dsn == "host=/run/db"


@pytest.mark.parametrize("content", ["{", "[]", "3", b"\xff"])
def test_a_damaged_profile_gets_a_sentence(tmp_path: Path, content: str | bytes) -> None:
    write(tmp_path, content, name="profile.json")
    with pytest.raises(SettingsError, match=r"profile\.json"):
        load_settings(home=tmp_path)


@pytest.mark.trace("A4")
def test_a_connection_string_is_never_shown(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, dsn="postgresql://ana:hunter2@127.0.0.1/lectern")
    assert "hunter2" not in repr(settings) + str(settings)


def test_reading_the_settings_without_a_file_imports_no_parser(tmp_path: Path) -> None:
    code = "import sys; from backend_core.settings import load_settings; load_settings(home=sys.argv[1]); print('tomllib' in sys.modules)"
    for expected in ("False", "True"):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
        write(tmp_path, "pool_size = 3")
