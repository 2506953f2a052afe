"""One episode of waiting as it was kept: how long, how many, and who waited for whom when it was at its worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import date_time, number, tr
from desktop.pages.database.server_words import span
from desktop.widgets.badge import Badge
from desktop.widgets.code_box import CodeBox
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import Episode

_MOST: Final = 12


class EpisodeDrawer(Drawer):
    """Shows an episode; its sessions may have ended long ago."""

    def __init__(self) -> None:
        super().__init__(width=408)
        self.state = Badge()
        self.facts = KeyValues(name_width=92)
        self.parts = column(gap=6)
        for part in (holder(row(self.state, None)), self.facts, over(tr("With most sessions waiting")), holder(self.parts)):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_episode(self, one: Episode) -> None:
        """Show ``one``."""
        self.show_titles(tr("Waiting for pid {pid}", pid=one.root_pid), tr("Episode {n}", n=one.id))
        self.state.show_state(tr("goes on") if one.ended_at is None else tr("over"), "bad" if one.ended_at is None else "none")
        self.facts.set_facts(
            [
                Fact(tr("Began"), date_time(one.began_at)),
                Fact(tr("Lasted"), span(one.seconds)),
                Fact(tr("Most waiting"), number(one.most_blocked)),
            ]
        )
        clear_layout(self.parts)
        lines = list(_lines(one.tree, 0))
        for depth, node in lines[:_MOST]:
            self.parts.addWidget(_part(depth, node))
        if len(lines) > _MOST:
            self.parts.addWidget(PlainLabel(tr("and {n} more", n=number(len(lines) - _MOST)), "small"))


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield depth, node
    for child in node.get("children") or ():
        yield from _lines(child, depth + 1)


def _part(depth: int, node: Mapping[str, Any]) -> Any:
    name = node.get("application") or node.get("kind") or ""
    head = tr("pid {pid} · {name}", pid=node.get("pid"), name=name)
    waited, wanted, held = node.get("waited_s"), node.get("waits_for"), node.get("holds")
    told = [tr("waited {time} for {what}", time=span(waited), what=wanted)] if wanted else []
    told += [tr("held {what}", what=held)] if held else []
    code = CodeBox(name=tr("Statement"))
    code.show_code(str(node.get("query") or tr("hidden by the server")))
    words = PlainLabel(", ".join(told), "small", wrap=True)
    return holder(column(PlainLabel(head, "smallstrong", wrap=True), words, code, gap=2, margins=(16 * depth, 0, 0, 4)))
