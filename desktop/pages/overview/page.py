"""The first page: how the pool, the waits, the health, the documents and the jobs are right now."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtCore import QTimer

from backend_core.errors import LecternError
from desktop.i18n import ago, duration, tr
from desktop.pages.overview.documents_card import SHOWN, DocumentsCard
from desktop.pages.overview.health_card import HealthCard, verdict
from desktop.pages.overview.jobs_card import READ, JobsCard
from desktop.pages.overview.live_card import LiveCard
from desktop.pages.overview.part import Part
from desktop.pages.overview.pool_card import PoolCard
from desktop.pages.overview.wait_card import WaitCard
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, side_by_side, title_row
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthView, PoolSample, PoolView

TICK_MS: Final = 1_000
POOL_FRESH_S: Final = 6.0
LIST_FRESH_S: Final = 45.0
HEALTH_EVERY_S: Final = 5.0
_ADD = "documents.import"
_TOP_HEIGHT = 324
_LOW_HEIGHT = 372
_MINUTE = 60


class OverviewPage(Page):
    """Five cards; the pool is read every second while visible, the rest when it changes and every 15 s."""

    key: ClassVar[str] = "overview"
    title: ClassVar[str] = "Overview"
    icon: ClassVar[str] = "layout-dashboard"
    group: ClassVar[str] = "Operate"
    tables: ClassVar[frozenset[str]] = frozenset({"documents", "audios", "job_run"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.pool = PoolCard(on_open=functools.partial(context.navigate, "database"))
        self.wait = WaitCard()
        self.health = HealthCard()
        self.documents = DocumentsCard(on_all=functools.partial(context.navigate, "documents"), on_add=self.add_documents)
        self.jobs = JobsCard()
        self.overall = Badge()
        self.updated = PlainLabel("", "small")
        self.stale = Badge()
        self._parts = self._make_parts()
        self._build()
        self.documents.chosen.connect(self._open_document)
        self.jobs.cancelled.connect(self._cancel_job)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._each_second)

    def refresh(self) -> None:
        """Read everything; the health at most every five seconds."""
        for key, (part, _) in self._parts.items():
            part.ask(older_than_s=HEALTH_EVERY_S if key == "health" else 0.0)

    def shown(self) -> None:
        """Start the clock."""
        self._tick.start()

    def hidden(self) -> None:
        """Stop the clock."""
        self._tick.stop()

    def add_documents(self) -> None:
        """Go to the documents and open the file dialog there."""
        self.context.navigate("documents")
        if any(command.id == _ADD for command in self.context.commands.all()):
            self.context.commands.run(_ADD)

    def _make_parts(self) -> dict[str, tuple[Part[Any], tuple[LiveCard, ...]]]:
        backend, actor = self.context.backend, self.context.actor

        def read_pool() -> tuple[PoolView, tuple[PoolSample, ...]]:
            return backend.monitoring.pool(actor=actor), backend.monitoring.samples(actor=actor)

        pool = Part(self, "pool", read_pool, self._show_pool, fresh_s=POOL_FRESH_S)
        health = Part(self, "health", lambda: backend.monitoring.health(actor=actor), self._show_health, fresh_s=LIST_FRESH_S)
        listing = Part(
            self,
            "documents",
            lambda: backend.documents.listing(actor=actor, limit=SHOWN),
            self.documents.show_page,
            fresh_s=LIST_FRESH_S,
        )
        jobs = Part(
            self, "jobs", lambda: backend.jobs.listing(actor=actor, open_only=True, limit=READ), self.jobs.show_jobs, fresh_s=LIST_FRESH_S
        )
        return {
            "pool": (pool, (self.pool, self.wait)),
            "health": (health, (self.health,)),
            "documents": (listing, (self.documents,)),
            "jobs": (jobs, (self.jobs,)),
        }

    def _build(self) -> None:
        again = Button("", "ghost", icon_name="refresh-cw", name=tr("Refresh"), on_click=self.refresh)
        top = holder(side_by_side((self.pool, 11), (self.wait, 19), (self.health, 12)))
        top.setFixedHeight(_TOP_HEIGHT)
        low = holder(side_by_side((self.documents, 1), (self.jobs, 1)))
        low.setMinimumHeight(_LOW_HEIGHT)
        cards = holder(column(top, (low, 1), gap=16, margins=(24, 14, 24, 20)))
        scroll = scrolling(cards, name=tr("Cards"))
        head = title_row(tr(self.title), self.overall, right=(self.updated, self.stale, again))
        self.content.setLayout(column(holder(column(head, margins=(24, 18, 24, 0))), (scroll, 1), gap=0))

    def _show_pool(self, answer: tuple[PoolView, tuple[PoolSample, ...]]) -> None:
        view, samples = answer
        self.pool.show_view(view)
        self.wait.show_view(view, samples)
        self._show_ages()

    def _show_health(self, view: HealthView) -> None:
        self.health.show_view(view)
        words, tone = verdict(view)
        self.overall.show_state(words, tone, unknown=tone == "none")
        self._show_ages()

    def fail(self, error: LecternError) -> None:
        """Keep the last good figures and say how old they are."""
        super().fail(error)
        self._show_ages()

    def _each_second(self) -> None:
        self._parts["pool"][0].ask()
        for key in ("documents", "jobs"):
            if self._parts[key][0].stale or self.jobs.rows:
                # A job tells its progress too often for a hint each time.
                self._parts[key][0].ask()
        self._show_ages()

    def _show_ages(self) -> None:
        oldest = 0.0
        for part, cards in self._parts.values():
            age = part.age_s if part.stale else None
            oldest = max(oldest, age or 0.0)
            for card in cards:
                card.show_age(tr("{age} old", age=_length(age)) if age is not None else "")
        good_at = self._parts["pool"][0].good_at
        self.updated.setVisible(not oldest)
        self.updated.setText(tr("Updated {ago}", ago=ago(good_at)) if good_at is not None else "")
        self.stale.show_state(tr("last answer {age} ago", age=_length(oldest)) if oldest else "", unknown=True)

    def _open_document(self, document_id: int) -> None:
        self.context.navigate("documents", document_id=document_id)

    def _cancel_job(self, job_id: int) -> None:
        backend = self.context.backend

        def refused(error: LecternError) -> None:
            self.jobs.mark(job_id, stopping=False)
            self.tell(error)

        self.jobs.mark(job_id, stopping=True)
        self.context.background.run(
            self, lambda: backend.jobs.cancel(job_id, actor=self.context.actor), lambda _: self.refresh(), refused, key=("cancel", job_id)
        )


def _length(seconds: float) -> str:
    return tr("{n} s", n=int(seconds)) if seconds < _MINUTE else duration(seconds)
