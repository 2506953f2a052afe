"""Everything Lectern does, without a window: documents, speech, jobs and storage on PostgreSQL."""

__version__ = "0.1.0"
