"""Questionnaires that patients answer: their words, how they are answered, what they come to."""
