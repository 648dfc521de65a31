"""What people fill in: the fields, their words, and what is wrong with an answer."""
