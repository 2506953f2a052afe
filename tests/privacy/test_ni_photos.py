"""Non-interference of photos: the same picture, the same name or a foreign photo elsewhere changes no answer."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.privacy.town import CANARY, Quarter, Town, canonical, outcome


def picture(folder: Path, colour: str) -> Path:
    path = folder / f"{colour}.png"
    Image.new("RGB", (40, 30), colour).save(path)
    return path


@pytest.mark.trace("B30")
def test_ni_the_same_picture_elsewhere(quarter: Quarter, tmp_path: Path) -> None:
    town, d1, ga = quarter.town, quarter.viewers["d1"], quarter.viewers["ga"]
    photos, everybody = town.backend.photos, town.backend.system()
    theirs = photos.attach(
        ga, picture(tmp_path, "green"), attachment_guid="1", sender=quarter.ann, caption=f"Sage, {CANARY}", actor=everybody
    )
    # a picture that is nowhere else, one that is, and one whose name is taken elsewhere
    mine = [
        photos.attach(d1, picture(tmp_path, colour), attachment_guid=guid, actor=everybody)
        for colour, guid in (("red", "2"), ("green", "1"))
    ]
    one, other = ({**canonical(photo), "attachment_guid": "", "size_bytes": 0} for photo in mine)
    assert one == other
    assert theirs.id not in {photo.id for photo in mine}
    for wait_s in (0.0, 0.05):
        answers = [outcome(partial(replied, town, d1, photo, wait_s)) for photo in (uuid.uuid4(), theirs.id)]
        assert answers[0] == answers[1], wait_s
    assert CANARY not in town.reply(d1, "What do you think of the photo?")


def replied(town: Town, where: Any, photo: uuid.UUID, wait_s: float) -> Any:
    found = town.replies.reply_context(where, "What do you think?", reply_to_photo=photo, wait_s=wait_s, actor=town.actor)
    return found.photo, found.memories
