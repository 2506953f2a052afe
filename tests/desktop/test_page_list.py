"""What the rail knows of a page before its code is loaded is what the page says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backend_core.policy import ALLOWED
from desktop.page_list import PAGES, PageEntry


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.key)
def test_an_entry_says_what_its_page_says(entry: PageEntry) -> None:
    page = entry.load()
    assert (entry.key, entry.title, entry.icon, entry.group, entry.action) == (page.key, page.title, page.icon, page.group, page.action)
    assert not entry.action or entry.action in ALLOWED


def test_every_page_there_is_stands_in_the_list() -> None:
    folder = Path(__file__).parents[2] / "desktop" / "pages"
    assert sorted(entry.key for entry in PAGES) == sorted(path.parent.name for path in folder.glob("*/page.py"))


def test_the_window_is_made_without_the_code_of_any_page() -> None:
    script = "import sys, desktop.session; print([name for name in sys.modules if name.startswith('desktop.pages.')])"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.strip() == "[]"
