"""Backups: one encrypted file with database and objects, its verification, and the way back from it."""
