"""The Memory page: what is remembered of one person, who would be given it, and how it is forgotten."""
