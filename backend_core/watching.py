"""Watching, composed: what reads the server, the pools, the jobs and the program itself, and says when something is wrong."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Final

from backend_core.access.sessions import session_valid
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit
from backend_core.audit.sign_off import SignOffs
from backend_core.backup.service import Backups
from backend_core.db import embedded
from backend_core.db.conninfo import application_name
from backend_core.db.database import Database
from backend_core.documents.service import Documents
from backend_core.jobs.alerts import JobAlerts
from backend_core.jobs.supervisor import alive_in
from backend_core.jobs.watch import JobWatch
from backend_core.monitoring.indexes.service import Indexes
from backend_core.monitoring.indexes.service import Surroundings as AroundIndexes
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.logbook import Logbook
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.metrics import Metrics
from backend_core.monitoring.readiness.service import Readiness
from backend_core.monitoring.recording import Hook, Recording
from backend_core.monitoring.rule_list import Around as AroundRules
from backend_core.monitoring.rule_list import disk_of, every_rule
from backend_core.monitoring.rules import AlertRules
from backend_core.monitoring.schema_revisions import Migrations
from backend_core.monitoring.server import episodes
from backend_core.monitoring.server.service import ServerMonitor
from backend_core.monitoring.service import Monitoring
from backend_core.monitoring.slo import Objectives
from backend_core.monitoring.statements import StatementCounter
from backend_core.notices.job_notices import JobNotices
from backend_core.notices.outbox import Around as AroundNotices
from backend_core.notices.service import Notices
from backend_core.reach import Server, lasting_name, migrated
from backend_core.safety.way_out import EgressDoor
from backend_core.speech.service import Speech
from backend_core.talk import Talk

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.around import Around

RECORDERS: Final = frozenset({"lectern-desktop", "lectern-worker"})
"""Programs that live long enough to keep the history of the database."""


class Watching(Talk):
    """The attributes of a backend about how it is doing, made from those it has already."""

    backups: Backups
    documents: Documents
    releases: SignOffs
    seals: Seals
    speech: Speech

    def compose_watching(self, server: Server, *, application: str) -> None:
        """Make them; ``application`` is what this process calls itself on the server."""
        self.logbook = Logbook(self.settings.log_dir)
        self.monitor_link = MonitorLink(server.monitor)
        self._compose_recording(server)
        self._compose_notices()
        self._compose_monitoring(application)
        self._compose_indexes(server)
        self._compose_server(server, application=application)
        self.migrations = Migrations(
            self.database, self.audit, self.monitor_link, upgrade=lambda: migrated(server, self.settings, self.credentials)
        )
        self._compose_readiness(server)
        if application in RECORDERS and self.settings.record_metrics != "nothing" and not server.profile.read_only:
            # last, so that nothing runs before everything is there
            self.recording.start()

    def _compose_recording(self, server: Server) -> None:
        counts = self.settings.record_metrics in ("all", "statements") and not server.profile.read_only
        counter = StatementCounter(self.database) if counts else None
        step = RecorderStep(Readings(free_share=self._free_share))
        self.recording = Recording(
            server.monitor,
            step=step,
            flush=counter.flush if counter else None,
            spare=self.monitor_link,
            may_lead=self.settings.record_metrics in ("all", "figures"),
        )
        self.metrics = Metrics(self.monitor_link)
        self.slos = Objectives(self.monitor_link)

    def _free_share(self) -> float | None:
        """Return the free part of the disk that holds the files, ``None`` where there is none to ask."""
        try:
            disk = shutil.disk_usage(self.settings.objects_dir)
        except OSError:
            return None
        return disk.free / disk.total

    def _compose_monitoring(self, application: str) -> None:
        self.monitoring = Monitoring(
            self.database,
            self.monitor_link,
            storage=self.storage,
            jobs=self.jobs,
            speech=self.speech,
            workers_alive=alive_in(self.database, queue=self.jobs.queue),
            application=application_name(application),
            embedded=self.settings.embedded,
            secrets=lambda: (self.credentials.kind, self.credentials.sentence),
            backups=self.backups.health,
            unsealed=self.seals.lag,
            moderation=self.safety.health,
            notices=self.notices.health,
            privacy=self.privacy.health,
        )

    def _compose_indexes(self, server: Server) -> None:
        home = self.settings.home
        superuser = (lambda: embedded.ensure_running(home).admin_dsn) if self.settings.embedded else None
        around = AroundIndexes(link=self.monitor_link, owner=server.owner, superuser=superuser, login=server.login, reader=server.app)
        self.indexes = Indexes(self.database, self.audit, jobs=self.jobs, around=around)
        self.handlers[self.indexes.task.name] = self.indexes.task
        self.recording.hooks.append(self.indexes.hook)

    def _compose_server(self, server: Server, *, application: str) -> None:
        def apart() -> Database:
            """One connection outside the pool: the pool may be what is exhausted."""
            return Database.open(server.app, application=application, base=1, overflow=0, read_only=server.profile.read_only)

        self.server = ServerMonitor(self.monitor_link, apart=apart, audit=lambda opened: Audit(opened, session_valid=session_valid))
        self.recording.hooks.append(Hook("blocking episodes", 1.0, episodes.watch))

    def _compose_notices(self) -> None:
        settings, jobs = self.settings, self.jobs
        name = hashlib.sha256(lasting_name(settings).encode()).hexdigest()[:12]
        around = AroundNotices(house=self.house, secrets=self.credentials, way_out=EgressDoor(self.egress), name=name)
        self.notices = Notices(self.database, self.audit, around)
        self.job_notices = JobNotices(self.monitor_link.rows, announce=self.database.changes.announce)
        self.job_alerts = JobAlerts(self.database, self.audit, jobs=jobs, closed=self.job_notices.over)
        limits = {"stalled_after_s": settings.stalled_after_s, "hard_limit_s": settings.job_hard_limit_s}
        self.job_watch = JobWatch(self.monitor_link.rows, queue=jobs.queue, **limits)
        around_rules = AroundRules(
            job_watch=self.job_watch,
            objectives=lambda: self.slos.objectives(actor=self.system()),
            backups=self.backups.health,
            disk=lambda: disk_of(settings.objects_dir),
            actor=self.system,
        )
        self.alert_rules = AlertRules(every_rule(around_rules), announce=self.database.changes.announce)
        self.recording.hooks.append(self.alert_rules.hook)

    def _compose_readiness(self, server: Server) -> None:
        self.readiness = Readiness(
            self.database, self.audit, around=lambda: self._around_readiness(server), keys=self.sealing, releases=self.releases
        )

    def _around_readiness(self, server: Server) -> Around:
        # what the probes try out is nothing a window needs to start
        from backend_core.monitoring.readiness.around import Around

        return Around(
            database=self.database,
            link=self.monitor_link,
            settings=self.settings,
            log_dir=self.settings.log_dir,
            dsn=server.app,
            storage=self.storage,
            jobs=self.jobs,
            workers_alive=alive_in(self.database, queue=self.jobs.queue),
            documents=self.documents,
            scopes=self.scopes,
            safety=self.safety,
            egress=self.egress,
            privacy=self.privacy,
            backups=self.backups,
            seals=self.seals,
            house=self.house,
            credentials=self.credentials,
            speech=self.speech,
            monitoring=self.monitoring,
            indexes=self.indexes,
            objectives=lambda: self.slos.objectives(actor=self.system()),
        )

    def close_watching(self) -> None:
        """Stop watching, in reverse order."""
        self.recording.close()
        self.monitoring.close()
