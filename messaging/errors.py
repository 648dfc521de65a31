"""What can be wrong with a message.

MessagingError
├── PatientIsDeceased
├── Empty
└── TooLong
"""


class MessagingError(Exception):
    """A message that cannot be sent, with a sentence for its writer."""

    sentence = ""


class PatientIsDeceased(MessagingError):
    """Nothing goes out about somebody who has died."""

    sentence = "This patient has died. No messages can be sent any more."


class Empty(MessagingError):
    """There is nothing to send."""

    sentence = "Please write your message first."


class TooLong(MessagingError):
    """Longer than a message may be."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(length, limit)
        self.sentence = (
            f"Your message is too long: {length} characters. It can have {limit}. Please make it"
            " shorter, or send it in two parts."
        )
