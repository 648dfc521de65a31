"""The schedule of a week: one provider's days side by side."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from appointments.schedule import schedule_of
from appointments.views.day import asked_day, asked_provider, providers_of
from portal.doors import CLINICAL, for_roles, note_glance, reader_of
from portal.models import Organization

WEEK = timedelta(days=7)


@require_safe
@for_roles(*CLINICAL)
def week(request: HttpRequest) -> HttpResponse:
    """The week of a day (`?on=`) and of one provider, else the reader; as a fragment, the days."""
    reader, now = reader_of(request), timezone.now()
    zone = Organization.objects.get(pk=reader.organization_id).zone
    today = timezone.localdate(now, zone)
    on = asked_day(request, today)
    first = on - timedelta(days=on.weekday())
    last = first + WEEK - timedelta(days=1)
    providers = providers_of(request)
    provider = asked_provider(request) or next(iter(providers), None)
    schedule = schedule_of(
        reader, first, last, zone=zone, now=now, provider_id=provider.pk if provider else None
    )
    if schedule.patients:
        note_glance(request, what="schedule", patients=len(schedule.patients))
    context = {
        "schedule": schedule,
        "on": on,
        "first": first,
        "last": last,
        "today": today,
        "earlier": on - WEEK,
        "later": on + WEEK,
        "provider": provider,
        "providers": providers,
        "zone": zone.key,
        "now": now,
        "is_week": True,
    }
    fragment = request.headers.get("HX-Request")
    return render(request, f"appointments/staff/{'_' if fragment else ''}week.html", context)
