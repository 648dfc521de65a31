"""What may keep a resource out.

NotTaken
├── Refused          it will never do: the reason is for a person, and holds nothing clinical
└── Unresolved       what it refers to has not arrived yet; it may, later in the same import
"""


class NotTaken(Exception):
    """A resource that did not become a row."""


class Refused(NotTaken):
    """The resource cannot be imported; the message says why."""


class Unresolved(NotTaken):
    """The resource refers to something that is not known yet."""

    def __init__(self, what: str, reference: str) -> None:
        super().__init__(f"its {what} “{reference}” is neither in this import nor in the clinic")
