"""Secrets of this home: in the system's keyring where there is one, otherwise in a sealed file."""
