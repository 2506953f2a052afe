"""Notices: what somebody should know, once per event, in the window and where else they asked for it."""
