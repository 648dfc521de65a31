"""What an action of this app may refuse.

Refused
├── TooManyCodes
└── UnknownService
"""


class Refused(Exception):
    """Something that a person asked for cannot be done; `words` say why, to them."""

    words = "That cannot be done."


class TooManyCodes(Refused):
    """The number has had its codes for today."""

    words = "You have asked for too many codes today. Please try again tomorrow."


class UnknownService(Refused):
    """A browser named an address that belongs to no push service we know."""

    words = "This browser’s way of push is not known here."
