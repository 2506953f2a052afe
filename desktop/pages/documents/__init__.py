"""Documents: bring in, read, speak, listen."""
