"""A privacy run as a signed report."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend_core.audit.keys import SealKey
from backend_core.privacy import signed_report
from backend_core.privacy.contexts import CONTEXTS, OPERATIONS
from backend_core.privacy.records import ReportVerdict, RunDetails, plain
from backend_core.privacy.signed_report import Kind

if TYPE_CHECKING:
    from backend_core.privacy.drawing import Drawing


def _draw(content: dict[str, Any]) -> Drawing:
    from backend_core.privacy import pages

    return pages.draw(content)


KIND: Final = Kind(
    format="lectern-privacy-report/1",
    called="privacy report",
    inside="privacy-run.json",
    outer="report",
    verify="lecternctl privacy verify FILE",
    draw=_draw,
    number=lambda content: content["run"]["id"],
)


def write(details: RunDetails, path: Path, *, signer: SealKey) -> None:
    """Write a run as a signed file; raises as ``signed_report.write``."""
    signed_report.write(KIND, content_of(details), path, signer=signer)


def content_of(details: RunDetails) -> dict[str, Any]:
    """Return what is signed."""
    return {
        "run": plain(details.run),
        "cases": plain(details.cases),
        "cells": plain(details.cells),
        "contexts": [{"code": one.code, "title": one.title, "about": one.about} for one in CONTEXTS],
        "operations": [{"code": one.code, "title": one.title} for one in OPERATIONS],
    }


def verify(path: Path, *, trusted: Collection[str]) -> ReportVerdict:
    """Check a report; raises as ``signed_report.verify``."""
    return signed_report.verify(KIND, path, trusted=trusted)
