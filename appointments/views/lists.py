"""Visits: a plain list for each who needs one. Booking comes with self-scheduling."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from appointments.actions import can_check_in
from appointments.models import Appointment, AppointmentQuerySet
from appointments.views.mine import beside_visits
from appointments.views.whose import own_zone
from portal import access, audit
from portal.access import Reader
from portal.doors import (
    CLINICAL,
    PATIENTS,
    for_roles,
    members_only,
    note_glance,
    note_reading,
    patient_or_404,
    reader_of,
)
from portal.models import Patient
from portal.panels import panel

LONGEST = 100
PAST_ON_A_PANEL = 3


@require_safe
@members_only
def index(request: HttpRequest) -> HttpResponse:
    """The reader's visits: those to come, then those that were; as a fragment, only the lists."""
    reader = reader_of(request)
    context = _lists(_visits(reader)) | {
        "is_staff": reader.is_staff,
        "names_patients": access.visible_patients(reader).count() > 1,
    }
    number = len(context["to_come"]) + len(context["over"]) + len(context["called_off"])
    if number and request.page.must_record("visits"):  # type: ignore[attr-defined]
        audit.record(
            "visits.listed",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            visits=number,
        )
    if reader.role in PATIENTS:
        context |= beside_visits(reader) | {"own_zone": own_zone(request)}
        whole, part = "appointments/mine.html", "appointments/_mine.html"
    else:
        whole, part = "appointments/index.html", "appointments/_list.html"
    return render(request, part if request.headers.get("HX-Request") else whole, context)


@require_safe
@for_roles(*CLINICAL)
def chart_panel(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient's visits, in their chart."""
    patient = patient_or_404(request, patient_id, what="visits")
    visits = _visits(reader_of(request)).filter(patient=patient)
    context = _lists(visits, past=PAST_ON_A_PANEL) | {"patient": patient}
    return panel(request, "appointments/_panel.html", context, title="Visits", patient=patient)


@require_safe
@for_roles(*CLINICAL)
def today(request: HttpRequest) -> HttpResponse:
    """Today's visits of the reader's patients, in the clinic's own day."""
    starts, ends = _today()
    visits = (
        _visits(reader_of(request)).standing().filter(starts_at__gte=starts, starts_at__lt=ends)
    )
    shown = list(visits.order_by("starts_at"))
    note_glance(request, what="visits", patients=len({visit.patient_id for visit in shown}))
    context = {"visits": shown, "now": timezone.now()}
    return panel(request, "appointments/_today.html", context, title="Today")


@require_safe
@for_roles(*PATIENTS)
def home(request: HttpRequest) -> HttpResponse:
    """The next visit, and what waits for an answer, for the patient's home."""
    reader = reader_of(request)
    patient = _chosen(request, reader)
    context: dict[str, Any] = {"patient": patient, "visit": None}
    if patient is not None:
        context |= beside_visits(reader, patient) | {"own_zone": own_zone(request)}
        visit = _visits(reader).to_come().filter(patient=patient).first()
        is_next = visit is not None and not visit.is_checked_in and can_check_in(visit)
        context |= {"visit": visit, "can_check_in": context["may_book"] and is_next}
    return panel(request, "appointments/_home.html", context, title="Your next visit")


def _visits(reader: Reader) -> AppointmentQuerySet:
    return access.of_visible_patients(Appointment.objects.all(), reader).select_related(
        "patient", "provider"
    )


def _lists(visits: AppointmentQuerySet, past: int = LONGEST) -> dict[str, Any]:
    over = visits.filter(ends_at__lte=timezone.now()).order_by("-starts_at")
    called_off = visits.filter(ends_at__gt=timezone.now(), status="cancelled")
    return {
        "to_come": list(visits.to_come()[:LONGEST]),
        "over": list(over[:past]),
        "called_off": list(called_off.order_by("starts_at")[:past]),
    }


def _today() -> tuple[datetime, datetime]:
    """The clinic's day: 23 or 25 hours long when its clocks change."""
    zone = timezone.get_current_timezone()
    day = timezone.localdate()
    return (
        datetime.combine(day, time.min, zone),
        datetime.combine(day + timedelta(days=1), time.min, zone),
    )


def _chosen(request: HttpRequest, reader: Reader) -> Patient | None:
    """The patient of `?patient=`; without it the reader's own record, or the first they may see."""
    if asked := request.GET.get("patient"):
        try:
            patient_id = UUID(asked)
        except ValueError:
            raise Http404 from None
        return patient_or_404(request, patient_id, what="visits")
    patients = access.visible_patients(reader)
    patient = patients.filter(user_id=reader.user_id).first() or patients.order_by("name").first()
    if patient is not None:
        note_reading(request, patient, what="visits")
    return patient
