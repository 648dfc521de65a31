"""The words that leave the house: the same for everybody, whatever it is about.

No name, no clinic, no time and nothing clinical: a lock screen is read by whoever stands by. Only
whoever agreed to it is told time and place of a visit.
"""

from notifications.channels.message import Message

IMPORTANT = "Vigil: something needs you."
NEW = "Vigil: there is something new for you."
SEVERAL = "Vigil: there are {number} new things for you."
CODE = "Vigil: your code is {code}. Nobody else needs it."


def line(message: Message) -> str:
    """What one message says, in one line."""
    if message.words:
        return message.words
    if message.is_important:
        return IMPORTANT
    return NEW if message.number == 1 else SEVERAL.format(number=message.number)
