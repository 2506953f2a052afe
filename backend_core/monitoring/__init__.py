"""What the system is doing: connection pools of every process, and health."""
