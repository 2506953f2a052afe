"""Process settings: each from the environment, bounded, and a complaint that names the setting and never its value."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend_core.settings import Settings, complaint, load_settings


def test_every_setting_can_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = {"home": str(tmp_path), "dsn": "postgresql://db/lectern", "objects": str(tmp_path / "objects"), "log_level": "ERROR"}
    wanted = {name: texts.get(name, "7" if "jitter" not in name else "0.5") for name in Settings.model_fields}
    wanted |= {"extraction_memory_mib": "256"}
    for name, text in wanted.items():
        monkeypatch.setenv(f"LECTERN_{name.upper()}", text)
    settings = load_settings()
    assert {name: str(getattr(settings, name)).removesuffix(".0") for name in wanted} == wanted


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LECTERN_DSN", "")
    assert load_settings(home=tmp_path).embedded


def test_a_complaint_names_the_setting_and_keeps_its_value_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_POOL_SIZE", "hunter2")
    with pytest.raises(ValidationError) as caught:
        load_settings()
    assert complaint(caught.value).startswith("A setting cannot be used. LECTERN_POOL_SIZE: ")
    assert "hunter2" not in complaint(caught.value)
