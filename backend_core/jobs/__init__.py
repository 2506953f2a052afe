"""Background work: queueing, progress, retries, limits and recovery."""
