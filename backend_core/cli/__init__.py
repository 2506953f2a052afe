"""lecternctl: everything the window can do, from a terminal."""
