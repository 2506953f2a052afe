"""The Audit log page: ten million events, and the proof that none was changed."""
