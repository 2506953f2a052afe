"""Every process setting once: name, type, default and what it means; where it comes from, and what is wrong with it.

House settings (retention, quota, limits shared by a team) live in the database and are not here.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo

from backend_core.homes import default_home, digest_of

MEBIBYTE = 2**20
PREFIX = "LECTERN_"
CONFIG: Final = "config"
FILE: Final = "lectern.toml"
PROFILE_FILE: Final = "profile.json"
LARGEST_FILE: Final = 1 << 20
Source = Literal["argument", "environment", "profile", "file", "default"]


# a password in either form of a connection string
_PASSWORD: Final = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)|(://[^/@:]*:)[^/@]*(?=@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFact:
    """One process setting as people are told about it.

    Attributes:
        rule: what is accepted.
        default: as text; empty when there is none.
        value: as text, without a password.
        source: where the value came from.
    """

    name: str
    variable: str
    rule: str
    default: str
    description: str
    value: str
    source: Source


class SettingsError(ValueError):
    """A process setting cannot be used; the text is one sentence that names it, and the file it is in, but never its value."""


class Settings(BaseModel):
    """Process settings; each one is also the environment variable ``LECTERN_<NAME>`` and a key of ``config/lectern.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)

    home: Path = Field(default_factory=default_home, description="Folder for configuration, database, objects and logs.")
    dsn: str | None = Field(
        default=None, repr=False, description="Connection string of a shared PostgreSQL; empty means the embedded server."
    )
    objects: Path | None = Field(default=None, description="Folder of stored files; a team on one server shares one folder.")
    backup_dir: Path | None = Field(default=None, description="Folder of scheduled backups; better on another disk than the data.")
    witness: Path | None = Field(
        default=None, description="File outside the data folder that remembers the audit log; best on another computer or disk."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least severe event that is logged.")

    pool_size: int | None = Field(default=None, ge=1, le=200, description="Lasting connections; 20 on a shared server, 4 embedded.")
    max_overflow: int | None = Field(default=None, ge=0, le=200, description="Extra connections under load; 10 shared, 6 embedded.")
    pool_timeout_s: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for a free connection.")
    pool_recycle_s: float = Field(default=3600.0, gt=0, description="Seconds after which a connection is replaced.")
    statement_deadline_s: float = Field(default=10.0, gt=0, description="Seconds after which a silent statement is suspected.")

    record_metrics: Literal["all", "figures", "statements", "nothing"] = Field(
        default="all", description="What this process may keep of the history of the database: its figures, the statements it sends."
    )

    worker_concurrency: int = Field(default=2, ge=1, le=64, description="Jobs one worker runs at the same time.")
    job_soft_limit_s: float = Field(default=1500.0, gt=0, description="Seconds after which a job is asked to stop and clean up.")
    job_hard_limit_s: float = Field(default=1800.0, gt=0, description="Seconds after which a job's child process is killed.")
    retry_base_s: float = Field(default=60.0, gt=0, description="Seconds before the first retry; doubled for each further one.")
    retry_jitter: float = Field(default=0.2, ge=0, lt=1, description="Part by which a retry is moved at random, either way.")
    retry_limit: int = Field(default=3, ge=0, le=10, description="Retries before a job counts as failed.")
    heartbeat_s: float = Field(default=5.0, gt=0, description="Seconds between signs of life of a worker.")
    stalled_after_s: float = Field(default=20.0, gt=0, description="Seconds without a sign of life after which a job is taken over.")
    sweep_after_s: float = Field(default=3600.0, ge=0, description="Seconds after which an unfinished upload is removed.")

    max_file_mib: int = Field(default=200, ge=1, le=2048, description="Largest file that may be imported, in MiB.")
    max_pages: int = Field(default=20_000, ge=1, description="Most pages one document may have.")
    extraction_memory_mib: int = Field(default=512, ge=128, description="Memory one extraction may use, in MiB.")
    extraction_limit_s: float = Field(default=60.0, gt=0, description="Seconds one extraction may take.")

    sentence_model: Path | None = Field(
        default=None, description="Folder of a sentence model; with one, memory on this computer is searched by meaning too."
    )
    embedding_service_model: str = Field(default="text-embedding-3-small", description="Model a service makes vectors with.")
    extraction_service_model: str = Field(default="gpt-4o-mini", description="Model a service finds facts with.")

    @property
    def embedded(self) -> bool:
        """Whether the embedded server is used."""
        return self.dsn is None

    @property
    def objects_dir(self) -> Path:
        """Folder of stored files."""
        return self.objects or self.home / "objects"

    @property
    def backups_dir(self) -> Path:
        """Folder of scheduled backups."""
        return self.backup_dir or self.home / "backups"

    @property
    def log_dir(self) -> Path:
        """Folder of log files."""
        return self.home / "logs"

    @property
    def config_dir(self) -> Path:
        """Folder of window geometry and the like."""
        return self.home / CONFIG

    @property
    def max_file_bytes(self) -> int:
        """Largest file that may be imported, in bytes."""
        return self.max_file_mib * MEBIBYTE

    def source(self, name: str) -> Source:
        """Return where a setting came from."""
        return self._sources.get(name, "default")

    @functools.cached_property
    def home_digest(self) -> str:
        """Short stable name of this home, for lock and socket names."""
        return digest_of(self.home)


def describe(settings: Settings) -> tuple[SettingFact, ...]:
    """Return every process setting in the order they are declared."""
    return tuple(_described(settings, name) for name in Settings.model_fields)


def _described(settings: Settings, name: str) -> SettingFact:
    field = Settings.model_fields[name]
    value = getattr(settings, name)
    text = "" if value is None else _PASSWORD.sub(lambda found: f"{found[1] or found[3]}***", str(value))
    default = "the user's data folder" if name == "home" else "" if field.default is None else str(field.default)
    return SettingFact(
        name=name,
        variable=f"{PREFIX}{name.upper()}",
        rule=_rule(field),
        default=default,
        description=str(field.description),
        value=text,
        source=settings.source(name),
    )


def _rule(field: FieldInfo) -> str:
    kinds = get_args(field.annotation) or (field.annotation,)
    if all(isinstance(kind, str) for kind in kinds):
        return ", ".join(kinds)
    words = {int: "whole number", float: "number", str: "text", Path: "folder"}
    signs = {Ge: ("ge", "from"), Gt: ("gt", "above"), Le: ("le", "to"), Lt: ("lt", "below")}
    bounds = [f"{signs[type(rule)][1]} {getattr(rule, signs[type(rule)][0]):,}" for rule in field.metadata if type(rule) in signs]
    return " ".join([next(words[kind] for kind in kinds if kind in words), *bounds])


def load_settings(**overrides: object) -> Settings:
    """Read the settings: ``overrides`` win over the environment, it over the profile and ``config/lectern.toml``, those over the defaults.

    Raises:
        SettingsError: a name or value that cannot be used, or a file that cannot be read.
    """
    # pydantic-settings does this too, for 5 MB of memory in every process
    # a variable that is set to nothing counts as not set, as for every program
    environment = {name: value for name in Settings.model_fields if (value := os.environ.get(f"{PREFIX}{name.upper()}"))}
    home = Path(str(overrides.get("home") or environment.get("home") or default_home())).expanduser().absolute()
    layers: dict[Source, Mapping[str, object]] = {
        "file": _from_file(home),
        "profile": _from_profile(home),
        "environment": environment,
        "argument": overrides,
    }
    unknown = sorted(set(overrides) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(f"There is no setting {_shown(unknown[0])}.")
    sources: dict[str, Source] = {name: source for source, found in layers.items() for name in found}
    given = {name: value for found in layers.values() for name, value in found.items()} | {"home": home}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_sentence(error, sources)) from None
    settings._sources.update(sources)
    return settings


def profile_dsn(facts: Mapping[str, object]) -> str | None:
    """Return the connection string of a profile as ``profile.json`` keeps it, without a password; None for the embedded server.

    >>> profile_dsn({"kind": "server", "host": "db.example", "port": 5432, "database": "team", "user": "ana"})
    "host='db.example' port='5432' dbname='team' user='ana'"
    """
    if facts.get("kind") != "server":
        return None
    names = {"host": "host", "port": "port", "database": "dbname", "user": "user", "sslmode": "sslmode", "sslrootcert": "sslrootcert"}
    return " ".join(f"{names[key]}={_quoted(str(facts[key]))}" for key in names if facts.get(key))


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _from_profile(home: Path) -> dict[str, object]:
    content = _content(home / CONFIG / PROFILE_FILE)
    if content is None:
        return {}
    try:
        facts = json.loads(content)
        dsn = profile_dsn(facts)
    except (ValueError, AttributeError):
        raise SettingsError(f"{home / CONFIG / PROFILE_FILE} is damaged; remove it or make the profile again.") from None
    return {} if dsn is None else {"dsn": dsn}


def _from_file(home: Path) -> dict[str, object]:
    path = home / CONFIG / FILE
    content = _content(path)
    if content is None:
        return {}
    import tomllib

    try:
        found: dict[str, object] = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line \d+", str(error))
        raise SettingsError(f"{path} is not valid TOML{f' ({where[0]})' if where else ''}.") from None
    for name, value in found.items():
        _check_entry(path, name, value)
    for name, value in found.items():
        if isinstance(value, str) and Path in get_args(Settings.model_fields[name].annotation):
            # a file has a place of its own, unlike a command
            found[name] = str(home / Path(value).expanduser())
    return found


def _check_entry(path: Path, name: str, value: object) -> None:
    shown = _shown(name)
    if name == "home":
        raise SettingsError(f"{path} cannot say where the home is, since it lies in it; use LECTERN_HOME.")
    if name not in Settings.model_fields:
        raise SettingsError(f"There is no setting {shown} ({path}).")
    if isinstance(value, bool):
        raise SettingsError(f"A setting cannot be used. {shown} in {path}: Input should not be true or false.")
    if name == "dsn" and _PASSWORD.search(str(value)):
        raise SettingsError(f"dsn in {path} holds a password; keep it out of files and make a profile instead.")


def _shown(name: str) -> str:
    return re.sub(r"[^\w.-]", "?", name)[:60]


def _content(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        raise SettingsError(f"{path} cannot be read.") from None
    if len(content) > LARGEST_FILE:
        raise SettingsError(f"{path} is too large.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not text in UTF-8.") from None


def _sentence(error: ValidationError, sources: Mapping[str, Source]) -> str:
    parts: list[dict[str, Any]] = [dict(part) for part in error.errors(include_input=False, include_url=False, include_context=False)]
    words = ", ".join(f"{_place(str(part['loc'][0]), sources)}: {part['msg']}" for part in parts)
    return f"A setting cannot be used. {words}."


def _place(name: str, sources: Mapping[str, Source]) -> str:
    source = sources.get(name, "environment")
    if source in {"file", "profile"}:
        return f"{name} in {CONFIG}/{FILE if source == 'file' else PROFILE_FILE}"
    return f"{PREFIX}{name.upper()}" if source == "environment" else name
