"""What can be wrong with a message.

    MessagingError
    ├── PatientIsDeceased
    ├── NobodyReads
    ├── Empty
    ├── TooLong
    └── AlreadySent

Each carries the sentence that its writer reads.
"""


class MessagingError(Exception):
    """A message that cannot be sent, with a sentence for its writer."""

    sentence = ""


class PatientIsDeceased(MessagingError):
    """Nothing is sent to somebody who has died, or to those who acted for them."""

    sentence = "This patient has died. No messages can be sent any more."


class NobodyReads(MessagingError):
    """A patient's side writes, and nobody of the care team can sign in to read it."""

    sentence = (
        "Nobody on this care team can be reached here now, so this was not sent. Please call the"
        " clinic."
    )


class Empty(MessagingError):
    """There is nothing to send."""

    sentence = "Please write your message first."


class TooLong(MessagingError):
    """Longer than a message may be."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(length, limit)
        self.sentence = (
            f"Your message is too long: it has {length:,} letters, and {limit:,} fit. Please make"
            " it shorter, or send it in two parts."
        )


class AlreadySent(MessagingError):
    """The key has sent a message before, and that one said something else."""

    sentence = (
        "You sent another message from this page before. This one is not sent yet. Please check"
        " it, then press Send again."
    )
