"""House settings: what a team decides for everybody who works on one database."""
