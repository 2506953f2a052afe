"""Every check there is, in the order of the categories."""

from __future__ import annotations

from typing import Final

from backend_core.monitoring.readiness import (
    of_content,
    of_database,
    of_errors,
    of_inputs,
    of_observing,
    of_privacy,
    of_rates,
    of_server,
    of_sockets,
)
from backend_core.monitoring.readiness.check import Check

CHECKS: Final[tuple[Check, ...]] = (
    *of_content.CHECKS,
    *of_rates.CHECKS,
    *of_errors.CHECKS,
    *of_inputs.CHECKS,
    *of_observing.CHECKS,
    *of_database.CHECKS,
    *of_server.CHECKS,
    *of_privacy.CHECKS,
    *of_sockets.CHECKS,
)
BY_ID: Final = {check.id: check for check in CHECKS}
