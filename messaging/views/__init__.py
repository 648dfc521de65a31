"""Pages and panels of messages."""
