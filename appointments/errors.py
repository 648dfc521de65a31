"""What can be wrong with a visit.

AppointmentError
├── EndsBeforeItStarts
├── PatientIsDeceased
├── SlotTaken           somebody else has that time: carries the next free ones
├── NotSelfScheduled    patients do not book this type themselves, or not this way
├── KeptElsewhere       another system decides about it: the clinic must be called
├── TooLate             inside the notice period: the clinic must be called
├── HoldEnded           the hold was given back
├── VisitIsOver         it has taken place, or was called off: nothing is left to change
├── ReasonMissing       a reason is wanted
├── NotForYou           a clinician's decision, asked for by somebody else
├── AlreadyClaimed      a colleague is on it: says who
├── DayDoesNotFit       visits that have no room on the other day
└── OfferIsOver         answered, expired, or somebody else was quicker
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from appointments.calendar import Slot


class AppointmentError(Exception):
    """A visit that cannot be; `str` is for the person who tried."""


class EndsBeforeItStarts(AppointmentError):
    """The end is not after the start."""

    def __str__(self) -> str:
        return "A visit ends after it starts."


class PatientIsDeceased(AppointmentError):
    """Nobody visits the dead."""

    def __str__(self) -> str:
        return "This patient has died."


@dataclass
class SlotTaken(AppointmentError):
    """The time is not free; `party` says for whom: provider, room, patient, or "" when closed."""

    party: str = ""
    next_times: Sequence[Slot] = field(default_factory=list)

    def __str__(self) -> str:
        if self.party == "patient":
            return "There is another visit at that time."
        return "Somebody else has just taken that time."


class NotSelfScheduled(AppointmentError):
    """The clinic books this type, or this way of meeting, itself."""

    def __str__(self) -> str:
        return "Please call the clinic to book this visit."


class KeptElsewhere(AppointmentError):
    """Another system of the clinic plans it, and would not hear of it."""

    def __str__(self) -> str:
        return "Please call the clinic to change this visit."


class TooLate(AppointmentError):
    """It begins too soon to be moved or called off by the patient."""

    def __str__(self) -> str:
        return "This visit is soon. Please call the clinic to change it."


class HoldEnded(AppointmentError):
    """It was given back, or another time was chosen since."""

    def __str__(self) -> str:
        return "That time is no longer kept for you. Please choose again."


class VisitIsOver(AppointmentError):
    """It has taken place or was called off."""

    def __str__(self) -> str:
        return "This visit can no longer be changed."


class ReasonMissing(AppointmentError):
    """A decision that must be explained."""

    def __str__(self) -> str:
        return "Please give a reason."


class NotForYou(AppointmentError):
    """A clinician may decide that, or whose time it is."""

    def __str__(self) -> str:
        return "A clinician must decide this."


@dataclass
class AlreadyClaimed(AppointmentError):
    """A colleague is on it."""

    user_id: UUID
    name: str

    def __str__(self) -> str:
        return f"{self.name} is on this."


@dataclass
class DayDoesNotFit(AppointmentError):
    """Nothing was moved: so many visits have no room on the other day."""

    visits: Sequence[UUID]

    def __str__(self) -> str:
        number = len(self.visits)
        what = "1 visit has" if number == 1 else f"{number} visits have"
        return f"{what} no room there. Nothing was moved."


@dataclass
class OfferIsOver(AppointmentError):
    """`answer` says why: taken, expired, accepted or declined."""

    answer: str

    def __str__(self) -> str:
        if self.answer == "taken":
            return "Somebody else was quicker this time. You stay on the waiting list."
        if self.answer == "expired":
            return "This offer has run out. You stay on the waiting list."
        return "You have answered this offer."
