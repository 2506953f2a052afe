"""Privacy: whether the boundary between conversations holds, tried out on the live database with made-up people."""
