"""The picture of a privacy run: what a cell means, how it grows, and that no meaning hangs on colour alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from backend_core.privacy.contexts import CODES, OPERATION_CODES, expected
from backend_core.privacy.records import Cell
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.matrix import ICONS, NARROW, Matrix
from desktop.pages.privacy.trying import Trying
from desktop.pages.privacy.words import pair_words
from desktop.style import Theme
from desktop.style.tokens import DARK, LIGHT
from desktop.widgets.long_run import Step

Wrong = Callable[[str, str, str], bool]


def cells(wrong: Wrong = lambda *_place: False) -> tuple[Cell, ...]:
    """Every cell of a run; those for which ``wrong(viewer, owner, operation)`` holds are not as they must be."""
    return tuple(
        Cell(
            viewer=viewer,
            owner=owner,
            operation=code,
            expected=expected(viewer, owner),
            ok=not wrong(viewer, owner, code),
            rows=0,
            worlds="equal",
        )
        for viewer in CODES
        for owner in CODES
        for code in OPERATION_CODES
    )


def pixel(image: QImage, at: QPoint) -> str:
    return QColor(image.pixelColor(at)).name()


def test_a_whole_good_run_is_sixty_four_pairs_as_they_must_be() -> None:
    picture = pic.picture_of(cells())
    assert (picture.expected, picture.wrong) == (64, 0)
    assert {pair.kind for pair in picture.pairs} == {pic.CLOSED, pic.OWN, pic.AUDITED}


def test_what_shows_is_a_leak_and_what_is_missing_is_not_called_one() -> None:
    picture = pic.picture_of(cells(lambda viewer, owner, code: code == "get" and viewer == "D1" and owner in {"D1", "GB"}))
    own, closed = picture.find(("D1", "D1")), picture.find(("D1", "GB"))
    assert own is not None
    assert closed is not None
    assert (own.kind, closed.kind) == (pic.LOST, pic.LEAK)
    assert closed.wrong == {OPERATION_CODES.index("get")}
    assert pair_words(closed) == ("1 leak", "bad")
    assert pair_words(own)[1] == "warn"
    assert (picture.expected, picture.wrong) == (62, 2)


def test_what_was_not_tried_is_not_known() -> None:
    picture = pic.picture_of(cells()[:20])
    assert [pair.kind for pair in picture.pairs[:3]] == [pic.OWN, pic.RUNNING, pic.UNKNOWN]
    assert pair_words(picture.pairs[2]) == ("Not known", "none")


def test_a_run_lights_up_whose_turn_it_is_and_judges_nothing_before_its_end() -> None:
    trying = Trying()
    trying.follow(Step(1, 20, "Ana with Sage looks at every container"))
    rows = trying.follow(Step(2, 20, "Ana with Milo looks at every container"))
    assert {pair.viewer for pair in rows.pairs if pair.kind == pic.RUNNING} == {"D2"}
    assert {pair.done for pair in rows.pairs if pair.viewer == "D1"} == {8}
    columns = trying.follow(Step(9, 20, "The same questions while “Party plan” is empty"))
    assert {pair.kept_in for pair in columns.pairs if pair.kind == pic.RUNNING} == {"GB"}
    assert {pair.kind for pair in columns.pairs} == {pic.RUNNING, pic.WAITING}
    unknown = trying.follow(Step(10, 20, "Something new"))
    assert {pair.kind for pair in unknown.pairs} == {pic.WAITING}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [488, 96 + 8 * (NARROW + 4)])
def test_a_leak_is_filled_and_an_old_answer_has_lost_its_colour(qtbot: QtBot, theme: Theme, mode: str, width: int) -> None:
    theme.set_mode("dark" if mode == "dark" else "light")
    tokens = DARK if mode == "dark" else LIGHT
    matrix = Matrix()
    qtbot.addWidget(matrix)
    matrix.resize(width, matrix.sizeHint().height())
    picture = pic.picture_of(cells(lambda viewer, owner, code: (viewer, owner, code) == ("D1", "D2", "list")))
    leak, closed = (matrix.cell(0, column).topLeft().toPoint() + QPoint(8, 3) for column in (1, 2))
    matrix.show_picture(picture)
    fresh = matrix.grab().toImage()
    assert pixel(fresh, leak) == tokens["bad_solid"]
    assert pixel(fresh, closed) == tokens["ok_bg"]
    matrix.show_picture(picture, stale=True)
    old = matrix.grab().toImage()
    assert pixel(old, leak) == tokens["bad_solid"], "a leak stays one until a run has shown the opposite"
    assert pixel(old, closed) != tokens["ok_bg"]


def test_every_kind_but_a_leak_has_an_icon_of_its_own() -> None:
    assert len(set(ICONS.values())) == len(ICONS)
    assert set(ICONS) == {pic.CLOSED, pic.OWN, pic.AUDITED, pic.RUNNING, pic.LOST}, "a leak says so in words"
