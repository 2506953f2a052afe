"""Every process setting once: name, type, default and what it means.

House settings (retention, quota, limits shared by a team) live in the database and are not here.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MEBIBYTE = 2**20
PREFIX = "LECTERN_"


def default_home() -> Path:
    """Return the folder that holds everything Lectern keeps when ``LECTERN_HOME`` is not set."""
    return Path(platformdirs.user_data_dir("lectern", appauthor=False, roaming=False))


class Settings(BaseModel):
    """Process settings; each one is also the environment variable ``LECTERN_<NAME>``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder for configuration, database, objects and logs.")
    dsn: str | None = Field(default=None, description="Connection string of a shared PostgreSQL; empty means the embedded server.")
    objects: Path | None = Field(default=None, description="Folder of stored files; a team on one server shares one folder.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least severe event that is logged.")

    pool_size: int | None = Field(default=None, ge=1, le=200, description="Lasting connections; 20 on a shared server, 4 embedded.")
    max_overflow: int | None = Field(default=None, ge=0, le=200, description="Extra connections under load; 10 shared, 6 embedded.")
    pool_timeout_s: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for a free connection.")
    pool_recycle_s: float = Field(default=3600.0, gt=0, description="Seconds after which a connection is replaced.")
    statement_deadline_s: float = Field(default=10.0, gt=0, description="Seconds after which a silent statement is suspected.")

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

    @property
    def embedded(self) -> bool:
        """Whether the embedded server is used."""
        return self.dsn is None

    @property
    def objects_dir(self) -> Path:
        """Folder of stored files."""
        return self.objects or self.home / "objects"

    @property
    def log_dir(self) -> Path:
        """Folder of log files."""
        return self.home / "logs"

    @property
    def config_dir(self) -> Path:
        """Folder of window geometry and the like."""
        return self.home / "config"

    @property
    def max_file_bytes(self) -> int:
        """Largest file that may be imported, in bytes."""
        return self.max_file_mib * MEBIBYTE

    @functools.cached_property
    def home_digest(self) -> str:
        """Short stable name of this home, for lock and socket names."""
        return hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]


def complaint(error: ValidationError) -> str:
    """Return one sentence that names the settings that cannot be used, without their values."""
    names = ", ".join(f"{PREFIX}{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors(include_input=False))
    return f"A setting cannot be used. {names}."


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; ``overrides`` win.

    Raises:
        pydantic.ValidationError: a value is outside its bounds.
    """
    # pydantic-settings does this too, for 5 MB of memory in every process
    # a variable that is set to nothing counts as not set, as for every program
    given = {name: value for name in Settings.model_fields if (value := os.environ.get(f"{PREFIX}{name.upper()}"))}
    settings = Settings.model_validate(given | overrides)
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})
