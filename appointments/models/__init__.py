"""Time set aside, and all that it is set aside from."""

from appointments.models.appointment import (
    STANDING,
    Appointment,
    AppointmentQuerySet,
    Mode,
    Status,
)
from appointments.models.availability import (
    Availability,
    AvailabilityException,
    Holiday,
    Weekday,
)
from appointments.models.change import Change
from appointments.models.claim import Claim
from appointments.models.feed import CalendarFeed
from appointments.models.hold import Hold
from appointments.models.reminder import Reminder, ReminderConsent
from appointments.models.room import Room
from appointments.models.rules import Rules
from appointments.models.taken_time import FreedTime, TakenTime
from appointments.models.time_block import TimeBlock
from appointments.models.visit_type import SelfScheduling, VisitType
from appointments.models.waitlist import Offer, WaitlistEntry

__all__ = [
    "STANDING",
    "Appointment",
    "AppointmentQuerySet",
    "Availability",
    "AvailabilityException",
    "CalendarFeed",
    "Change",
    "Claim",
    "FreedTime",
    "Hold",
    "Holiday",
    "Mode",
    "Offer",
    "Reminder",
    "ReminderConsent",
    "Room",
    "Rules",
    "SelfScheduling",
    "Status",
    "TakenTime",
    "TimeBlock",
    "VisitType",
    "WaitlistEntry",
    "Weekday",
]
