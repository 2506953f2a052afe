"""Every page in the order of the rail; their code is loaded after the window is on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from desktop.widgets.page import Page, PageContext


@dataclass(frozen=True, slots=True)
class PageEntry:
    """What the rail needs to know of a page before its code is there; the values are those of the page itself.

    Attributes:
        action: what a role must be allowed to do for the page to be in the rail, empty for everybody.
        load: imports the page and returns its class.
    """

    key: str
    title: str
    icon: str
    group: str
    load: Callable[[], type[Page]]
    action: str = ""

    def __call__(self, context: PageContext) -> Page:
        """Make the page."""
        return self.load()(context)


AnyPage = type[Page] | PageEntry


def load_pages() -> None:
    """Import every page; in a worker, so that going to one does not wait."""
    for entry in PAGES:
        entry.load()


def _overview() -> type[Page]:
    from desktop.pages.overview.page import OverviewPage

    return OverviewPage


def _documents() -> type[Page]:
    from desktop.pages.documents.page import DocumentsPage

    return DocumentsPage


def _people() -> type[Page]:
    from desktop.pages.people.page import PeoplePage

    return PeoplePage


def _conversations() -> type[Page]:
    from desktop.pages.conversations.page import ConversationsPage

    return ConversationsPage


def _memory() -> type[Page]:
    from desktop.pages.memory.page import MemoryPage

    return MemoryPage


def _audit() -> type[Page]:
    from desktop.pages.audit.page import AuditPage

    return AuditPage


def _privacy() -> type[Page]:
    from desktop.pages.privacy.page import PrivacyPage

    return PrivacyPage


def _readiness() -> type[Page]:
    from desktop.pages.readiness.page import ReadinessPage

    return ReadinessPage


def _safety() -> type[Page]:
    from desktop.pages.safety.page import SafetyPage

    return SafetyPage


def _operators() -> type[Page]:
    from desktop.pages.operators.page import OperatorsPage

    return OperatorsPage


def _database() -> type[Page]:
    from desktop.pages.database.page import DatabasePage

    return DatabasePage


def _jobs() -> type[Page]:
    from desktop.pages.jobs.page import JobsPage

    return JobsPage


def _alerts() -> type[Page]:
    from desktop.pages.alerts.page import AlertsPage

    return AlertsPage


def _health() -> type[Page]:
    from desktop.pages.health.page import HealthPage

    return HealthPage


def _logs() -> type[Page]:
    from desktop.pages.logs.page import LogsPage

    return LogsPage


def _backup() -> type[Page]:
    from desktop.pages.backup.page import BackupPage

    return BackupPage


def _settings() -> type[Page]:
    from desktop.pages.settings.page import SettingsPage

    return SettingsPage


PAGES: Final[tuple[PageEntry, ...]] = (
    PageEntry("overview", "Overview", "layout-dashboard", "Operate", _overview),
    PageEntry("documents", "Documents", "file-text", "Operate", _documents),
    PageEntry("people", "People", "contact", "People", _people, "contact.list"),
    PageEntry("conversations", "Conversations", "messages-square", "People", _conversations, "conversation.list"),
    PageEntry("memory", "Memory", "brain", "People", _memory, "memory.open"),
    PageEntry("audit", "Audit log", "scroll-text", "Assure", _audit, "audit.list"),
    PageEntry("privacy", "Privacy", "shield-check", "Assure", _privacy, "privacy.list"),
    PageEntry("readiness", "Readiness", "badge-check", "Assure", _readiness, "readiness.read"),
    PageEntry("safety", "Safety review", "flag", "Assure", _safety),
    PageEntry("operators", "Operators", "users", "Assure", _operators, "operator.list"),
    PageEntry("database", "Database", "database", "Run", _database),
    PageEntry("jobs", "Jobs", "list-checks", "Run", _jobs),
    PageEntry("alerts", "Alerts", "bell", "Run", _alerts),
    PageEntry("health", "Health & SLOs", "heart-pulse", "Run", _health),
    PageEntry("logs", "Logs", "text-search", "Run", _logs, "log.read"),
    PageEntry("backup", "Backup", "archive", "Run", _backup, "backup.list"),
    PageEntry("settings", "Settings", "settings", "", _settings, "settings.read"),
)
