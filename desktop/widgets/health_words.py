"""How the health of the program is said and drawn, wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from desktop.i18n import tr

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthView

LOOKS: Final = {
    "ok": ("circle-check", "ok"),
    "degraded": ("triangle-alert", "warn"),
    "failed": ("circle-x", "bad"),
    "unknown": ("circle-dashed", "none"),
}
"""Icon and tone of each status of a check."""


def status_words(status: str) -> str:
    """Return the status of a check in words."""
    return {"ok": tr("ok"), "degraded": tr("needs attention"), "failed": tr("failed")}.get(status, tr("unknown"))


def verdict(view: HealthView) -> tuple[str, str]:
    """Return in words, with a tone, how many checks need attention."""
    statuses = [check.status for check in view.checks]
    failed, degraded = statuses.count("failed"), statuses.count("degraded")
    if failed:
        return (tr("1 check failed") if failed == 1 else tr("{n} checks failed", n=failed)), "bad"
    if degraded:
        return (tr("1 needs attention") if degraded == 1 else tr("{n} need attention", n=degraded)), "warn"
    if "unknown" in statuses or not statuses:
        return tr("not all checked"), "none"
    return tr("all well"), "ok"
