"""Figures over time: which there are, how they are read, folded and kept."""
