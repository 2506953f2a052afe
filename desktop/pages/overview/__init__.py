"""How things are at a glance: pool, waiting times, health, documents, jobs."""
