"""Pages of this app: the bell and its list, and how a person wishes to be told."""
