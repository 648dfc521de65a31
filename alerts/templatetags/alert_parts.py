"""Parts of alerts that pages of other apps show: the bar, the banner of a patient, a countdown.

Rendered with the page, not fetched after it: a critical alert must not wait for a script.
"""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone

from alerts.bar import Bar, bar_for
from alerts.cards import cards_of
from alerts.worklist import of_patient
from portal.models import Patient

register = template.Library()


@register.simple_tag(takes_context=True)
def alert_bar(context: template.Context) -> Bar | None:
    """What waits for the reader of this page; asked once, however many places show it."""
    request = context.get("request")
    reader = getattr(request, "reader", None)
    if request is None or reader is None or not reader.is_clinical:
        return None
    if not hasattr(request, "alert_bar"):
        request.alert_bar = bar_for(reader, timezone.now())
    bar: Bar = request.alert_bar
    return bar


@register.simple_tag(takes_context=True)
def ongoing_alerts(context: template.Context, patient: Patient) -> list[Any]:
    """The alerts of a patient that are not closed and more than notices."""
    reader = getattr(context.get("request"), "reader", None)
    if reader is None or not reader.is_clinical:
        return []
    now = timezone.now()
    listed = of_patient(reader, patient.pk, now, closed=0)
    return cards_of([each for each in listed.alerts if each.severity != "notice"], now)


@register.filter
def how_long(span: timedelta | None) -> str:
    """A span of time as people say it: “40 s”, “4 min”, “1 h 12 min”, “2 d 3 h”."""
    if span is None:
        return ""
    seconds = round(span / timedelta(seconds=1))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


@register.filter
def left(due_at: datetime, now: datetime) -> str:
    """The time until an instant as 03:12, as 2:03:12 from an hour on, or “now”."""
    seconds = round((due_at - now) / timedelta(seconds=1))
    if seconds <= 0:
        return "now"
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
