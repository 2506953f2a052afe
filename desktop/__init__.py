"""Everything of Lectern that has a window."""
