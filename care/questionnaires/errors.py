"""Why an answer is not taken.

AnswerError
├── NotAnAnswer        not one of the answers to this question
├── NotFinished        a question has no answer yet
└── NoLongerOpen       sent long ago, given up, or the questionnaire is not for this patient
"""


class AnswerError(Exception):
    """An answer that was not taken; `str` is for the person who gave it."""


class NotAnAnswer(AnswerError):
    """Not one of the answers to this question."""

    def __str__(self) -> str:
        return "Please choose one of the answers."


class NotFinished(AnswerError):
    """A question has no answer yet."""

    def __str__(self) -> str:
        return "Please answer all the questions first."


class NoLongerOpen(AnswerError):
    """It cannot be answered, or changed, any more."""

    def __str__(self) -> str:
        return "You can no longer change these answers. Please start again."
