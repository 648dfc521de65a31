"""Why something cannot be done with an alert.

AlertError
├── AlreadyAcknowledged    somebody else has it: says who
├── AlreadyClosed          it has ended
├── NotAcknowledged        a critical alert is acknowledged before it is closed
├── SnoozeRefused          too long, in the past, or without a reason
├── NoteMissing            a reason or a line of what was done is wanted
├── NobodyToHandTo         not somebody who can answer for this patient
└── PolicyUnusable         a policy that would tell nobody, or cannot be read
"""

from dataclasses import dataclass
from uuid import UUID


class AlertError(Exception):
    """Something that was not done; `str` is for the person who tried."""


@dataclass
class AlreadyAcknowledged(AlertError):
    """Two pressed the button; the other one was first."""

    owner_id: UUID | None

    def __str__(self) -> str:
        return "Somebody else acknowledged this alert first."


class AlreadyClosed(AlertError):
    """The alert has ended."""

    def __str__(self) -> str:
        return "This alert is closed."


class NotAcknowledged(AlertError):
    """A critical alert ends in an acknowledgement, so that comes first."""

    def __str__(self) -> str:
        return "Acknowledge this alert before you close it."


class SnoozeRefused(AlertError):
    """The time or the reason of a snooze is not acceptable."""


class NoteMissing(AlertError):
    """A line is wanted that says what was done, or why."""


class NobodyToHandTo(AlertError):
    """The person is not one who can answer for this patient."""

    def __str__(self) -> str:
        return "This alert can be handed to another nurse or clinician of the clinic."


class PolicyUnusable(AlertError):
    """A policy whose steps cannot be carried out."""
