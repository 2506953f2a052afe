"""Backups: what there is, whether it can be relied on, and the key that opens it."""
