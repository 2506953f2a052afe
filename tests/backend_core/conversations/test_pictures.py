"""What a picture costs at most, what becomes of it, and which words speak of one."""

from __future__ import annotations

import datetime as dt
import stat
import sys
from pathlib import Path

import pytest
from PIL import Image

from backend_core.conversations.photo_records import about_photo, mentions
from backend_core.conversations.pictures.reader import PictureLimits, clean, look
from backend_core.errors import TooLarge
from tests.backend_core.conversations.test_photos import picture


def test_a_picture_of_more_dots_or_bytes_than_allowed_is_refused(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", size=(400, 300))
    with pytest.raises(TooLarge):
        clean(path, to=tmp_path / "b", limits=PictureLimits(pixels=119_999))
    with pytest.raises(TooLarge):
        clean(path, to=tmp_path / "b", limits=PictureLimits(file_bytes=path.stat().st_size - 1))
    assert clean(path, to=tmp_path / "b", limits=PictureLimits(pixels=120_000, edge=100)).width == 400
    with Image.open(tmp_path / "b") as image:
        assert image.size == (100, 75)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("png", "RGBA"), ("png", "P"), ("png", "L"), ("gif", "P"), ("webp", "RGB"), ("jpeg", "CMYK"), ("png", "I;16"), ("png", "1")],
)
def test_every_kind_of_picture_becomes_one_of_two(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / f"a.{name}"
    Image.new(mode, (30, 20)).save(path)
    found = clean(path, to=tmp_path / "b")
    assert (found.width, found.height, found.content_type) == (30, 20, "image/png" if name in ("png", "gif") else "image/jpeg")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for a text engine is a shell script")
def test_words_in_a_photo_are_read_where_an_engine_is_there_and_are_only_text(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    engine = tmp_path / "engine"
    engine.write_text("#!/bin/sh\nprintf 'Platform 9\\n\\n\\033[31mdeparts\\t18:04\\n'\n", encoding="utf-8")
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    assert look(path, text_engine=str(engine)).text == "Platform 9 [31mdeparts 18:04"
    engine.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert look(path, text_engine=str(engine)).text == ""
    assert look(path, text_engine=str(tmp_path / "missing")).text == ""
    assert look(path).text == ""


@pytest.mark.parametrize(
    ("text", "seconds", "about"),
    [
        ("What do you think?", 1, True), ("was denkst du?", 300, True), ("Schönes Bild, oder", 599, True),
        ("What do you think?", 601, False),
        ("Dinner at seven?", 30, True), ("Dinner at seven?", 61, False), ("ok", 1, False), ("I think we should go", 5, False),
        ("", 1, False),
        ("can you read it", 120, True), ("What do you think?", -120, False),
    ],
)  # fmt: skip
def test_which_words_speak_of_a_photo(text: str, seconds: int, about: bool) -> None:
    assert about_photo(text, age=dt.timedelta(seconds=seconds)) is about


@pytest.mark.parametrize(
    ("text", "named"), [("sage", True), ("Hey SAGE!", True), ("sages", False), ("(sage)", True), ("sage's", True), ("", False)]
)
def test_a_name_counts_as_a_word_of_its_own(text: str, named: bool) -> None:
    assert mentions(text, "sage", "") is named
