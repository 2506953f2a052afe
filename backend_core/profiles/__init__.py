"""Profiles: which sets of data this person works on, each in a home of its own, none with a secret in its file."""
