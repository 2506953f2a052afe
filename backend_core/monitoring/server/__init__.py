"""What the database server is doing: sessions, who waits for whom, locks, tables, and how to stop a session."""
