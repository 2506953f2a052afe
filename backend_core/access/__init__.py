"""Operators: who may sign in, and which one this person is."""
