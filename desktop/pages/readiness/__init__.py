"""The Readiness page: may this be released, and what says so."""
