"""Moderation of what comes in and goes out, and the review of what was found."""
