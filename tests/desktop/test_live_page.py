"""A page read part by part never shows what a user's action has overtaken, and takes its age from every answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from desktop.widgets.live_page import LivePage
from desktop.widgets.page import Page, PageContext
from desktop.widgets.part import Part
from tests.desktop.conftest import Desk


class Lamp(LivePage):
    """Shows one value, whose first reading after ``held`` is set waits until ``go``."""

    key: ClassVar[str] = "lamp"
    title: ClassVar[str] = "Lamp"
    every_s: ClassVar[float] = 0.0

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.value, self.seen = "off", list[str]()
        self.held, self.read, self.go, self.done = (threading.Event() for _ in range(4))
        self._parts = (Part(self, "value", self._read, self.seen.append, fresh_s=5),)

    def parts(self) -> Sequence[Part[Any]]:
        """Return the only part."""
        return self._parts

    def each_second(self) -> None:
        """Nothing: the test asks."""

    def refresh(self) -> None:
        """Read the value, unless that was asked for a moment ago."""
        self._parts[0].ask(older_than_s=self.every_s)

    def switch(self) -> None:
        """Turn the lamp on."""
        self.act(lambda: setattr(self, "value", "on"), lambda _: self.done.set())

    def _read(self) -> str:
        value = self.value
        if self.held.is_set():
            self.held.clear()
            self.read.set()
            assert self.go.wait(10)
        return value


class Seldom(Lamp):
    """Reads at most once an hour."""

    every_s = 3600.0


class Careless(Lamp):
    """The control: forgets nothing."""

    acted = Page.acted


@pytest.mark.parametrize("kind", [Lamp, Seldom, Careless])
def test_an_answer_asked_for_before_an_action_is_not_shown_after_it(
    page_context: Callable[..., Desk], wait_until: Callable[..., None], kind: type[Lamp]
) -> None:
    desk = page_context()
    page = kind(desk.context)
    page.setParent(desk.window)
    page.refresh()
    wait_until(lambda: page.seen == ["off"])
    page.held.set()
    page.parts()[0].ask()
    wait_until(page.read.is_set)
    page.switch()
    wait_until(page.done.is_set)
    page.go.set()
    wait_until(lambda: not desk.context.background.pending)
    assert page.seen == ["off", "off" if kind is Careless else "on"]
