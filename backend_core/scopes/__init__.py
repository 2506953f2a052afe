"""Scopes: the one door to what a contact said, one container per transaction."""
