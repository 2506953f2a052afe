"""The first page: how the server, the people's work, the boundary and the program itself are right now."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtGui import QResizeEvent

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import duration, tr
from desktop.pages.overview.alerts_card import READ as READ_NOTICES
from desktop.pages.overview.alerts_card import AlertsCard
from desktop.pages.overview.documents_card import SHOWN, DocumentsCard
from desktop.pages.overview.health_card import HealthCard
from desktop.pages.overview.index_card import IndexCard
from desktop.pages.overview.jobs_card import READ, JobsCard
from desktop.pages.overview.live_card import LiveCard
from desktop.pages.overview.pool_card import PoolCard
from desktop.pages.overview.privacy_card import SHOWN as RUNS
from desktop.pages.overview.privacy_card import PrivacyCard
from desktop.pages.overview.readiness_card import ReadinessCard
from desktop.pages.overview.traffic_card import SERIES, TrafficCard
from desktop.pages.overview.wait_card import WaitCard
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.health_words import verdict
from desktop.widgets.layout import clear_layout, column, holder
from desktop.widgets.live_page import LivePage
from desktop.widgets.page import PageContext, side_by_side, title_row
from desktop.widgets.part import Part
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.metrics import Series
    from backend_core.monitoring.records import HealthView, PoolSample, PoolView
    from backend_core.notices.records import Notice
    from backend_core.privacy.records import Run
    from backend_core.privacy.records import Standing as PrivacyStanding

POOL_FRESH_S: Final = 6.0
LIST_FRESH_S: Final = 45.0
HEALTH_EVERY_S: Final = 5.0
_ADD = "documents.import"
_SLOW: Final = frozenset({"readiness", "traffic", "indexes"})
SLOW_S: Final = 15.0
"""What changes slowly is read this often."""
WIDE_FROM: Final = 1080
"""Below this width in px there are two cards in a row."""
_WIDE: Final = (
    (262, (("pool", 11), ("wait", 14), ("indexes", 13), ("readiness", 14))),
    (276, (("traffic", 25), ("privacy", 13), ("health", 14))),
    (330, (("documents", 18), ("jobs", 16), ("alerts", 18))),
)
_NARROW: Final = (
    (262, (("pool", 1), ("wait", 1))),
    (262, (("indexes", 1), ("readiness", 1))),
    (276, (("traffic", 1),)),
    (276, (("privacy", 1), ("health", 1))),
    (330, (("documents", 1), ("jobs", 1))),
    (300, (("alerts", 1),)),
)
_MINUTE = 60


class OverviewPage(LivePage):
    """Ten cards, fewer for those who may not read all; the pool is read every second while visible, the rest when it changes."""

    key: ClassVar[str] = "overview"
    title: ClassVar[str] = "Overview"
    icon: ClassVar[str] = "layout-dashboard"
    group: ClassVar[str] = "Operate"
    tables: ClassVar[frozenset[str]] = frozenset({"documents", "audios", "job_run", "notices", "privacy_runs", "readiness_runs"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.pool = PoolCard(on_open=functools.partial(context.navigate, "database"))
        self.wait = WaitCard()
        self.health = HealthCard()
        self.documents = DocumentsCard(on_all=functools.partial(context.navigate, "documents"), on_add=self.add_documents)
        self.jobs = JobsCard()
        self.indexes = IndexCard(on_open=functools.partial(context.navigate, "database", tab="indexes"))
        self.readiness = ReadinessCard(on_open=functools.partial(context.navigate, "readiness"))
        self.traffic = TrafficCard(on_range=self._ask_traffic)
        self.privacy = PrivacyCard(on_open=functools.partial(context.navigate, "privacy"))
        self.alerts = AlertsCard()
        self.overall = Badge()
        self._reads_indexes = context.actor is not None and may(context.actor.role, "index.read")
        self._parts = self._make_parts()
        self._build()
        self.documents.chosen.connect(self._open_document)
        self.jobs.cancelled.connect(self._cancel_job)
        self.alerts.opened.connect(self._open_notice)

    def refresh(self) -> None:
        """Read everything; the health at most every five seconds."""
        for key, (part, _) in self._parts.items():
            part.ask(older_than_s=HEALTH_EVERY_S if key == "health" else SLOW_S / 2 if key in _SLOW else 0.0)

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
        return self._slow_parts() | {
            "pool": (pool, (self.pool, self.wait)),
            "health": (health, (self.health,)),
            "documents": (listing, (self.documents,)),
            "jobs": (jobs, (self.jobs,)),
        }

    def _slow_parts(self) -> dict[str, tuple[Part[Any], tuple[LiveCard, ...]]]:
        backend, actor = self.context.backend, self.context.actor

        def read_traffic() -> tuple[tuple[Series, ...], dt.datetime]:
            back, resolution_s = self.traffic.span()
            now = dt.datetime.now(dt.UTC)
            return backend.metrics.series(SERIES, since=now - back, resolution_s=resolution_s, actor=actor), now

        def read_privacy() -> tuple[PrivacyStanding, tuple[Run, ...]]:
            return backend.privacy.standing(actor=actor), backend.privacy.history(actor=actor, limit=RUNS)

        def read_notices() -> Any:
            return backend.notices.listing(actor=actor, open_only=True, limit=READ_NOTICES)

        work: dict[str, tuple[Callable[[], Any], Callable[[Any], object], LiveCard]] = {
            "readiness": (lambda: backend.readiness.report(actor=actor), self.readiness.show_report, self.readiness),
            "traffic": (read_traffic, lambda answer: self.traffic.show_series(*answer), self.traffic),
            "privacy": (read_privacy, lambda answer: self.privacy.show_standing(*answer), self.privacy),
            "alerts": (read_notices, self.alerts.show_notices, self.alerts),
        }
        if self._reads_indexes:
            work["indexes"] = (lambda: backend.indexes.view(actor=actor), self.indexes.show_view, self.indexes)
        return {key: (Part(self, key, read, show, fresh_s=LIST_FRESH_S), (card,)) for key, (read, show, card) in work.items()}

    def _build(self) -> None:
        again = Button("", "ghost", icon_name="refresh-cw", name=tr("Refresh"), on_click=self.refresh)
        self._lane = column(gap=16, margins=(24, 14, 24, 20))
        self._arrange(wide=True)
        cards = holder(self._lane)
        scroll = scrolling(cards, name=tr("Cards"))
        head = title_row(tr(self.title), self.overall, right=(self.updated, self.stale, again))
        self.content.setLayout(column(holder(column(head, margins=(24, 18, 24, 0))), (scroll, 1), gap=0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the cards in rows of two where they would be cut off side by side."""
        super().resizeEvent(event)
        wide = self.width() >= WIDE_FROM
        if wide != self._wide:
            self._arrange(wide=wide)

    def _arrange(self, *, wide: bool) -> None:
        self._wide = wide
        for _, cards in (*_WIDE, *_NARROW):
            for name, _ in cards:
                getattr(self, name).setParent(self)
        clear_layout(self._lane)
        for height, cards in _WIDE if wide else _NARROW:
            shown = [(getattr(self, name), share) for name, share in cards if name != "indexes" or self._reads_indexes]
            self._lane.addWidget(holder(side_by_side(*shown), height=height))
        self._lane.addStretch(1)
        if not self._reads_indexes:
            self.indexes.hide()

    def _show_pool(self, answer: tuple[PoolView, tuple[PoolSample, ...]]) -> None:
        view, samples = answer
        self.pool.show_view(view)
        self.wait.show_view(view, samples)

    def _show_health(self, view: HealthView) -> None:
        self.health.show_view(view)
        words, tone = verdict(view)
        self.overall.show_state(words, tone, unknown=tone == "none")

    def each_second(self) -> None:
        """Ask again for what is old."""
        self._parts["pool"][0].ask()
        for key in ("documents", "jobs"):
            if self._parts[key][0].stale or self.jobs.rows:
                # A job tells its progress too often for a hint each time.
                self._parts[key][0].ask()
        self.show_age()

    def parts(self) -> Sequence[Part[Any]]:
        """Return what the page reads, the pool first."""
        return [part for part, _ in sorted(self._parts.values(), key=lambda one: one[0] is not self._parts["pool"][0])]

    def show_age(self) -> None:
        """Say it on each card too."""
        super().show_age()
        for part, cards in self._parts.values():
            age = part.age_s if part.stale else None
            for card in cards:
                card.show_age(tr("{age} old", age=_length(age)) if age is not None else "")

    def _ask_traffic(self) -> None:
        self._parts["traffic"][0].ask()

    def _open_notice(self, notice: Notice | None) -> None:
        if notice is None:
            self.context.navigate("alerts")
        else:
            self.context.navigate(notice.page, **notice.target)

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
