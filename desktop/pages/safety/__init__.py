"""Safety review: what moderation stopped or could not check, and which text may leave for which host."""
