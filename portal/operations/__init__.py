"""Keeping the portal running: whether it is well, and what it says when it is not."""
