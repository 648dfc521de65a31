"""What patients are told about visits, in their words (grade 6 at most)."""

from appointments.errors import (
    AppointmentError,
    HoldEnded,
    KeptElsewhere,
    NotSelfScheduled,
    OfferIsOver,
    PatientIsDeceased,
    SlotTaken,
    TooLate,
    VisitIsOver,
)
from appointments.models import Mode

# How one meets, and what the patient has to do for it.
MEETING = {
    Mode.IN_PERSON: ("In person", "You come to us."),
    Mode.PHONE: ("Phone call", "We call you. You can stay at home."),
    Mode.VIDEO: ("Video call", "We talk on a screen. You can stay at home."),
}
# Why patients call off a visit; the care team reads the words.
REASONS = [
    ("time", "The time no longer suits me"),
    ("well", "I feel better and do not need it"),
    ("ill", "I feel too ill to come"),
    ("travel", "I have no way to get there"),
    ("other", "Something else"),
]
# What was just done, by the word in the address of the visit's page.
SAID = {
    "booked": ("Your visit is booked", "We look forward to seeing you."),
    "moved": ("Your visit has a new time", "The old time is free for others now."),
    "confirmed": ("Thank you", "We know that you will come."),
    "ready": ("You are checked in", "We know that you are ready."),
    "answered": ("Your answers are saved", "Your care team reads them before the visit."),
    "cancelled": ("Your visit is called off", "Thank you for telling us."),
}
_OVER = {
    "taken": "Someone else was quicker this time. You stay on the waiting list.",
    "expired": "This offer has run out. You stay on the waiting list.",
    "declined": "You said no to this time.",
    "accepted": "You took this time.",
}
_SENTENCES: dict[type[AppointmentError], str] = {
    SlotTaken: "Sorry, this time has just been taken. These times are close to it and still free.",
    HoldEnded: "This time is no longer kept for you. Please choose a time again.",
    NotSelfScheduled: "We book these visits with you by phone. Please call us.",
    KeptElsewhere: "Please call us to change this visit.",
    TooLate: "This visit is soon. Please call us to change it.",
    VisitIsOver: "This visit can no longer be changed.",
    PatientIsDeceased: "No visits can be booked here any more. Please call us.",
}


def why_not(error: AppointmentError) -> str:
    """Why something cannot be, as a patient is told."""
    if isinstance(error, SlotTaken) and error.party == "patient":
        return "You have another visit at this time. These times are close to it and free."
    if isinstance(error, SlotTaken) and not error.next_times:
        return "Sorry, this time has just been taken. Please look for another one."
    if isinstance(error, OfferIsOver):
        return _OVER.get(error.answer, "You have answered this offer.")
    return _SENTENCES.get(type(error), "This did not work. Please call us.")


def span(minutes: int) -> str:
    """A length of time as people say it: "2 days", "1 hour", "90 minutes"."""
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            number = minutes // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{minutes} minutes"
