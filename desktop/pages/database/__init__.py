"""What the database server and its connection pools are doing."""
