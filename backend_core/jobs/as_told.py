"""The queue's retry strategy: the runner decides, the queue does as told."""

from __future__ import annotations

import procrastinate
from procrastinate import jobs as queue_jobs

from backend_core.jobs.retry import RetryLater


class AsTold(procrastinate.BaseRetryStrategy):
    """The queue's retry strategy: whatever the runner decided."""

    def get_retry_decision(self, *, exception: BaseException, job: queue_jobs.Job) -> procrastinate.RetryDecision | None:  # noqa: ARG002  # the queue's signature
        """Return when to run again, or nothing for any other exception."""
        if isinstance(exception, RetryLater):
            return procrastinate.RetryDecision(retry_in={"milliseconds": round(exception.wait_s * 1000)})
        return None
