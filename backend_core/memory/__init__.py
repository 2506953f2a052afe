"""Memory: what a persona remembers, search, boundaries, forgetting."""
