"""Saying when a visit is, so that nobody comes at the wrong hour."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone
from django.utils.dateformat import format as written_as

from appointments.forms.booking import written
from appointments.models import Appointment, Mode
from appointments.wording import span

register = template.Library()

# What people call the zones they live in. A zone that is not here has an abbreviation, or, where
# nobody uses one, a distance from UTC: both are read by those who live there.
SPOKEN = {
    **dict.fromkeys(("EST", "EDT"), "Eastern"),
    **dict.fromkeys(("CST", "CDT"), "Central"),
    **dict.fromkeys(("MST", "MDT"), "Mountain"),
    **dict.fromkeys(("PST", "PDT"), "Pacific"),
    **dict.fromkeys(("AKST", "AKDT"), "Alaska"),
    "HST": "Hawaii",
    **dict.fromkeys(("CET", "CEST"), "Central European"),
    **dict.fromkeys(("EET", "EEST"), "Eastern European"),
    **dict.fromkeys(("WET", "WEST"), "Western European"),
    **dict.fromkeys(("GMT", "BST"), "UK"),
    "IST": "India",
    "JST": "Japan",
}
AMERICAN = ("America/", "US/")
# Their abbreviations mean other places elsewhere: CST is also China, IST also Ireland and Israel.
ONLY_IN = {
    "Central": AMERICAN,
    "Eastern": AMERICAN,
    "Mountain": AMERICAN,
    "Pacific": AMERICAN,
    "UK": ("Europe/London", "Europe/Belfast"),
    "India": ("Asia/Kolkata", "Asia/Calcutta"),
}


@register.filter
def zone(at: datetime) -> str:
    """The clinic's zone at that instant, as people say it: "Eastern", "CET"."""
    return _named(timezone.localtime(at))


@register.filter
def on_own_clock(at: datetime, zone: ZoneInfo | None) -> str:
    """The same instant where the reader lives, "Tue 4:30 p.m. Central European"; "" if no other."""
    if zone is None:
        return ""
    here, there = timezone.localtime(at), at.astimezone(zone)
    if here.utcoffset() == there.utcoffset():
        return ""
    return f"{written_as(there, 'D P')} {_named(there)}"


@register.filter
def hour_on_own_clock(at: datetime, zone: ZoneInfo | None) -> str:
    """The same without the zone, "4:30 p.m.", and with the day where that is another."""
    if not on_own_clock(at, zone):
        return ""
    there = at.astimezone(zone)
    same_day = timezone.localtime(at).date() == there.date()
    return written_as(there, "P" if same_day else "D P")


@register.filter
def value_with(at: datetime, provider_id: UUID) -> str:
    """A free time as the value of its button."""
    return written(at, provider_id)


@register.filter
def which_of_two(at: datetime) -> str:
    """What tells apart the two passes of an hour that comes twice, "EDT"; "" for any other."""
    local = timezone.localtime(at)
    return _named(local) if _comes_twice(local) else ""


@register.filter
def when_said(visit: Appointment) -> str:
    """A visit's time in one piece: "Tue 24 Nov, 10:30 a.m. Eastern, in person"."""
    local = timezone.localtime(visit.starts_at)
    return f"{written_as(local, 'D j M, P')} {_named(local)}, {visit.get_mode_display().lower()}"


@register.filter
def ways(modes: list[str]) -> str:
    """The ways in which a kind of visit can take place: "in person or phone call"."""
    return " or ".join(Mode(mode).label.lower() for mode in modes)


@register.filter
def in_words(minutes: int) -> str:
    """A length of time: "20 minutes", "1 hour"."""
    return span(minutes)


def _named(local: datetime) -> str:
    abbreviation = local.tzname() or "UTC"
    spoken = SPOKEN.get(abbreviation, "")
    # An hour that comes twice is told apart by what most people do not say: EDT, then EST.
    if spoken and not _comes_twice(local) and str(local.tzinfo).startswith(ONLY_IN.get(spoken, "")):
        return spoken
    if abbreviation[0] in "+-":
        return f"UTC{abbreviation}"
    return abbreviation


def _comes_twice(local: datetime) -> bool:
    # Of an hour that never comes the two differ as well; no instant has it.
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
