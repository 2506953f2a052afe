"""Settings: what holds for everybody, for this computer, and for this process."""
