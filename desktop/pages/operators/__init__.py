"""Operators: who may use Lectern, their sessions, and the review of who may do what."""
