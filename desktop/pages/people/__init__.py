"""People: one page for everything that is kept about a person, and the ways to hand it over or erase it."""
