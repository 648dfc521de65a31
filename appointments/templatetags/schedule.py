"""Saying times to the staff: short, and never two different ones alike."""

from datetime import datetime

from django import template
from django.utils import timezone

from appointments.calendar import Slot
from appointments.forms.booking import written as stamp
from appointments.models import Appointment, Status
from appointments.wall_clock import comes_twice, zone_name

register = template.Library()

# How a visit stands, as a pill says it.
PILLS = {
    Status.ARRIVED: "good",
    Status.DONE: "outline",
    Status.NO_SHOW: "urgent",
    Status.CANCELLED: "outline",
}


@register.filter
def clock(at: datetime) -> str:
    """The time of day: "01:30", and in an hour that comes twice "01:30 EDT" and "01:30 EST"."""
    local = timezone.localtime(at)
    shown = f"{local:%H:%M}"
    return f"{shown} {zone_name(local)}" if comes_twice(local) else shown


@register.filter
def pill(visit: Appointment) -> str:
    """The variant of the pill of a visit's status."""
    return PILLS.get(Status(visit.status), "")


@register.filter
def written(slot: Slot) -> str:
    """A free time as the value of its button."""
    return stamp(slot.starts_at, slot.provider)


@register.filter
def hours(minutes: int) -> str:
    """Minutes as hours: "37.5"."""
    return f"{minutes / 60:.1f}".removesuffix(".0")
