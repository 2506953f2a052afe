"""Pictures from outside: read, stripped and described in a child process with limits."""
