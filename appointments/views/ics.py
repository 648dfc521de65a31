"""Visits for calendars: one as a file, all of a person's as a private address."""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from appointments import ics
from appointments.models import Appointment, AppointmentQuerySet, CalendarFeed
from portal import access
from portal.access import Reader
from portal.addresses import site_of
from portal.doors import members_only, note_reading, reader_of
from portal.models import Organization
from portal.tenancy import acting_for
from portal.views.tokens import unreferred

TYPE = "text/calendar; charset=utf-8"
# A calendar keeps what it has; it needs to hear of what was and was called off for a while.
PAST = timedelta(days=60)
MOST = 500


@require_safe
@members_only
def visit_file(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """One visit, to be put into a calendar by hand."""
    visit = _visits(reader_of(request)).filter(pk=appointment_id).first()
    if visit is None:
        raise Http404
    note_reading(request, visit.patient, what="visits")
    answer = HttpResponse(ics.visit_file(visit, _page(request)), content_type=TYPE)
    answer["Content-Disposition"] = 'attachment; filename="visit.ics"'
    return answer


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The visits of whoever made this address; for an unknown or revoked one, nothing is here.

    A patient's side finds the visits of all for whom they act, a clinician those they see patients
    at. What they may no longer see is no longer in it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM appointments_find_feed(%s)", [CalendarFeed.digest_of(token)])
        found = cursor.fetchone()
    if found is None:
        raise Http404
    organization_id, user_id = found
    with acting_for(organization_id, user_id):
        reader = access.reader_in(organization_id, user_id)
        if reader is None:
            raise Http404
        since = timezone.now() - PAST
        visits = _visits(reader).filter(ends_at__gt=since).order_by("starts_at")
        if reader.is_staff:
            visits = visits.filter(provider__user_id=user_id)
        name = Organization.objects.get(pk=organization_id).name
        page = _page(request)
        written = ics.feed([(visit, page) for visit in visits[:MOST]], name)
    return unreferred(HttpResponse(written, content_type=TYPE))


def _visits(reader: Reader) -> AppointmentQuerySet:
    visits = access.of_visible_patients(Appointment.objects.all(), reader)
    return visits.select_related("organization", "patient", "provider", "room")


def _page(request: HttpRequest) -> str:
    return site_of(request).rstrip("/") + reverse("appointments:index")
