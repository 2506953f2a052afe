"""Benchmarks that ship with Lectern, each beside a control in the same run."""
