"""The schedule of a day, for nurses and clinicians: who comes, who is here, what is free."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from appointments.schedule import schedule_of
from appointments.wall_clock import time_gained
from portal import access
from portal.doors import CLINICAL, for_roles, note_glance, reader_of
from portal.models import Organization, Provider

DAY = timedelta(days=1)
FURTHEST = timedelta(days=5 * 366)


@require_safe
@for_roles(*CLINICAL)
def day(request: HttpRequest) -> HttpResponse:
    """Show a day (`?on=`, else today), of all or of one `?provider=`; as a fragment, the lists."""
    context = day_of(request)
    fragment = request.headers.get("HX-Request")
    return render(request, f"appointments/staff/{'_' if fragment else ''}day.html", context)


def day_of(request: HttpRequest, *, on: date | None = None) -> dict[str, Any]:
    """What the lists of a day need."""
    reader, now = reader_of(request), timezone.now()
    zone = Organization.objects.get(pk=reader.organization_id).zone
    today = timezone.localdate(now, zone)
    on = on or asked_day(request, today)
    provider = asked_provider(request)
    schedule = schedule_of(
        reader, on, on, zone=zone, now=now, provider_id=provider.pk if provider else None
    )
    if schedule.patients:
        note_glance(request, what="schedule", patients=len(schedule.patients))
    return {
        "schedule": schedule,
        "on": on,
        "today": today,
        "earlier": on - DAY,
        "later": on + DAY,
        "holiday": schedule.holidays.get(on, ""),
        "gained": time_gained(on, zone),
        "provider": provider,
        "providers": providers_of(request),
        "zone": zone.key,
        "now": now,
    }


def asked_day(request: HttpRequest, today: date, name: str = "on") -> date:
    """The date in the address; today's without one, or where there is no such date."""
    try:
        asked = parse_date(request.GET.get(name, ""))
    except ValueError:
        asked = None
    return asked if asked is not None and abs(asked - today) <= FURTHEST else today


def asked_provider(request: HttpRequest) -> Provider | None:
    """The provider in the address; 404 for one whom the clinic does not have."""
    asked = request.GET.get("provider")
    if not asked:
        return None
    try:
        wanted = UUID(asked)
    except ValueError:
        raise Http404 from None
    found = access.of_organization(Provider.objects.all(), reader_of(request))
    provider: Provider | None = found.filter(pk=wanted).first()
    if provider is None:
        raise Http404
    return provider


def providers_of(request: HttpRequest) -> list[Provider]:
    """Whose schedules there are: the reader's own first, then by name."""
    reader = reader_of(request)
    found = access.of_organization(Provider.objects.all(), reader)
    return sorted(found, key=lambda each: (each.user_id != reader.user_id, each.name))
