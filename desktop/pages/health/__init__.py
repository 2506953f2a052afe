"""The Health & SLOs page."""
