"""Visits as a calendar understands them (RFC 5545): what is given is written, nothing is read.

A calendar knows a visit by its UID, takes over a change when the sequence is higher, and strikes
out what comes as cancelled. Times are written in UTC: a time with a zone cannot say which of the
two hours is meant on the night when one comes twice. What a visit is for, and who the patient is,
is not written: calendars are shared, and many are kept by strangers.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from appointments.models import Appointment, Mode, Status

PRODUCT = "-//Vigil//Visits//EN"
# A calendar may ask this often; more often shows nothing new sooner.
REFRESH = timedelta(hours=1)
_HOW = {Mode.IN_PERSON: "Visit", Mode.PHONE: "Phone call", Mode.VIDEO: "Video call"}


def visit_file(visit: Appointment, address: str = "") -> bytes:
    """One visit as a file. `address` is the visit's page in the portal."""
    calendar = _calendar("CANCEL" if visit.status == Status.CANCELLED else "PUBLISH")
    calendar.add_component(_event(visit, address))
    return calendar.to_ical()


def feed(visits: Iterable[tuple[Appointment, str]], name: str) -> bytes:
    """All visits of a person as a calendar that is fetched again and again, cancelled ones too."""
    calendar = _calendar("PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for visit, address in visits:
        calendar.add_component(_event(visit, address))
    return calendar.to_ical()


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event(visit: Appointment, address: str) -> Event:
    event = Event()
    mode = Mode(visit.mode)
    event.add("uid", f"{visit.pk}@vigil")
    event.add("sequence", visit.sequence)
    event.add("dtstamp", _utc(visit.changed_at))
    event.add("last-modified", _utc(visit.changed_at))
    event.add("created", _utc(visit.created_at))
    event.add("dtstart", _utc(visit.starts_at))
    event.add("dtend", _utc(visit.ends_at))
    event.add("summary", f"{_HOW[mode]} · {visit.organization.name}")
    event.add("status", "CANCELLED" if visit.status == Status.CANCELLED else "CONFIRMED")
    event.add("class", "PRIVATE")
    if mode != Mode.IN_PERSON:
        event.add("location", _HOW[mode])
    elif visit.place:
        found = visit.room.how_to_find if visit.room and visit.room.name == visit.place else ""
        event.add("location", ", ".join(filter(None, [visit.place, found])))
    if address:
        event.add("url", address)
    return event


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
