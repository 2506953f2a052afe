"""Readiness as a signed report."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend_core.audit.keys import SealKey
from backend_core.monitoring.readiness.records import Report, plain
from backend_core.privacy import signed_report
from backend_core.privacy.records import ReportVerdict
from backend_core.privacy.signed_report import Kind

if TYPE_CHECKING:
    from backend_core.privacy.drawing import Drawing


def _draw(content: dict[str, Any]) -> Drawing:
    from backend_core.monitoring.readiness import pages

    return pages.draw(content["report"])


KIND: Final = Kind(
    format="lectern-readiness-report/1",
    called="readiness report",
    inside="readiness.json",
    outer="content",
    verify="lecternctl readiness --verify FILE",
    draw=_draw,
    number=lambda content: content["report"]["run_id"],
)


def write(report: Report, path: Path, *, signer: SealKey) -> None:
    """Write a report as a signed file; raises as ``signed_report.write``."""
    signed_report.write(KIND, content_of(report), path, signer=signer)


def content_of(report: Report) -> dict[str, Any]:
    """Return what is signed; whether this person may sign off is theirs, and left out."""
    facts = plain(report)
    for name in ("may_sign", "why_not"):
        del facts[name]
    return {"report": facts}


def verify(path: Path, *, trusted: Collection[str]) -> ReportVerdict:
    """Check a report; raises as ``signed_report.verify``."""
    return signed_report.verify(KIND, path, trusted=trusted)
