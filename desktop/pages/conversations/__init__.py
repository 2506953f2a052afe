"""The Conversations page: who talks with whom, what was said, and what a reply would be made from."""
