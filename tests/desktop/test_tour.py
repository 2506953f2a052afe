"""The tour waits with a deadline, pictures both themes, and fails loudly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage

from desktop.background import Background
from desktop.first_frame import FirstFrame
from desktop.main_window import MainWindow
from desktop.style import Theme
from desktop.tour import Step, Tour, Wait, Walk, page_step, wait_for
from desktop.widgets.button import Button
from tests.desktop.test_main_window import ACTOR, Backend, Database, Documents, Overview


@pytest.fixture
def window(theme: Theme, background: Background, tmp_path: Path) -> Iterator[MainWindow]:
    frame = FirstFrame(tmp_path / "config")
    made = MainWindow(theme=theme, background=background, state=frame.state, pages=(Overview, Documents, Database))
    frame.adopt(made, remember=made.remembered)
    frame.show()
    made.start(Backend(), ACTOR)
    yield made
    made.release()
    shiboken6.delete(frame)


def test_every_page_is_pictured_in_both_themes_at_the_drawn_size(
    window: MainWindow, theme: Theme, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Tour(window, theme, tmp_path / "tour", [page_step(key) for key in window.page_keys][:2]).run()
    assert report.problems == []
    assert report.exit_code == 0
    names = sorted(path.name for path in (tmp_path / "tour").iterdir())
    assert names == ["01-overview-dark.png", "01-overview-light.png", "02-documents-dark.png", "02-documents-light.png"]
    pictures = [QImage(str(path)) for path in report.pictures]
    assert {(picture.width(), picture.height()) for picture in pictures} == {(1440, 900)}
    assert pictures[0].pixelColor(700, 880) != pictures[1].pixelColor(700, 880)
    assert "2 steps, 4 pictures" in capsys.readouterr().out


def test_a_step_that_waits_in_vain_and_one_that_breaks_are_problems_but_not_the_end(
    window: MainWindow, theme: Theme, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_vain(_window: MainWindow) -> Walk:
        yield Wait(lambda: False, "the impossible", timeout_s=0.05)

    def broken(_window: MainWindow) -> Walk:
        yield Wait(lambda: True, "nothing")
        raise RuntimeError("no such button")

    def good(_window: MainWindow) -> Walk:
        yield Wait(lambda: True, "nothing")
        return "3 pages"

    plan = [Step("in-vain", in_vain, picture=False), Step("broken", broken, picture=False), Step("good", good, picture=False)]
    report = Tour(window, theme, tmp_path / "tour", plan).run()
    assert report.exit_code == 1
    assert report.problems == ["in-vain: the impossible did not happen within 0 s", "broken: RuntimeError: no such button"]
    assert report.lines[2].startswith("03 good: 3 pages (")
    assert "problem: broken" in capsys.readouterr().out


def test_a_page_that_outgrows_the_window_is_a_problem(
    window: MainWindow, theme: Theme, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert window.page is not None
    layout = window.page.content.layout()
    assert layout is not None
    layout.addWidget(Button("x" * 300))
    report = Tour(window, theme, tmp_path / "tour", [page_step("overview")]).run()
    assert any("needs" in problem for problem in report.problems)
    assert capsys.readouterr().out


def test_waiting_runs_the_event_loop(qapp: object, wait_until: Callable[..., None]) -> None:
    fired: list[bool] = []
    QTimer.singleShot(30, lambda: fired.append(True))
    assert wait_for(Wait(lambda: fired, "the timer", timeout_s=5))
    assert not wait_for(Wait(lambda: False, "never", timeout_s=0.02))
