"""Commands that a person types, and what only they need."""
