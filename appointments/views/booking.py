"""Booking, first half: what for, and when."""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from appointments.actions import check_movable, live_hold
from appointments.choice_of_times import choice_of_times
from appointments.errors import AppointmentError
from appointments.free_times import care_team_of
from appointments.models import Appointment, Mode, SelfScheduling, VisitType
from appointments.views.whose import Whose, own_zone, whose_or_none
from appointments.wording import MEETING, why_not
from portal import access
from portal.access import Reader
from portal.doors import PATIENTS, for_roles, reader_of
from portal.models import Patient, Provider

# A way of meeting as a word of an address, which says nothing about anybody.
MODES = {mode.value: mode for mode in Mode}


@require_safe
@for_roles(*PATIENTS)
def new(request: HttpRequest) -> HttpResponse:
    """Ask what the visit is for."""
    whose = whose_or_none(request)
    reader = reader_of(request)
    active = list(access.of_organization(VisitType.objects.filter(is_active=True), reader))
    context: dict[str, Any] = {
        "whose": whose,
        "patient": whose.patient if whose else None,
        "bookable": [each for each in active if each.self_scheduling == SelfScheduling.ON],
        "to_look_at": [each for each in active if each.self_scheduling == SelfScheduling.VIEW_ONLY],
        "by_phone": [each for each in active if each.self_scheduling == SelfScheduling.OFF],
        "hold": live_hold(whose.patient, by=reader) if whose and whose.may_book else None,
    }
    return render(request, "appointments/new.html", context)


@require_safe
@for_roles(*PATIENTS)
def times(request: HttpRequest, visit_type_id: UUID) -> HttpResponse:
    """A few good times, then a week of them; as a fragment, what an open page shows anew."""
    visit_type = visit_type_or_404(visit_type_id, reader_of(request))
    whose = whose_or_none(request)
    if whose is None:
        return redirect("appointments:new")
    context = choosing(request, whose, visit_type)
    if request.headers.get("HX-Request"):
        return render(request, "appointments/_times.html", context)
    return render(request, "appointments/times.html", context)


@require_safe
@for_roles(*PATIENTS)
def new_time(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The same for a visit that is to move; until then it keeps its own time."""
    reader = reader_of(request)
    visits = access.of_visible_patients(Appointment.objects.all(), reader)
    visit = visits.select_related("visit_type", "provider").filter(pk=appointment_id).first()
    if visit is None:
        raise Http404
    whose = whose_or_none(request, asked=visit.patient_id)
    try:
        check_movable(visit, is_staff=False)
    except AppointmentError as error:
        return call_us(request, error, visit)
    if whose is None or visit.visit_type is None or not whose.may_book:
        return redirect("appointments:visit", visit.pk)
    context = choosing(request, whose, visit.visit_type, moving=visit)
    if request.headers.get("HX-Request"):
        return render(request, "appointments/_times.html", context)
    return render(request, "appointments/times.html", context)


def choosing(
    request: HttpRequest,
    whose: Whose,
    visit_type: VisitType,
    *,
    moving: Appointment | None = None,
    mode: str = "",
) -> dict[str, Any]:
    """What the page of times needs."""
    reader = reader_of(request)
    team = team_of(whose.patient, visit_type)
    mode = mode or _mode(request, visit_type, moving)
    wanted = _provider(request, team)
    choice = choice_of_times(
        visit_type,
        whose.patient,
        by=reader,
        mode=mode,
        provider_id=wanted.pk if wanted else None,
        week=_week(request),
        moving=moving,
    )
    return {
        "whose": whose,
        "patient": whose.patient,
        "visit_type": visit_type,
        "moving": moving,
        "mode": mode,
        "meeting": MEETING[MODES[mode]],
        "modes": [(each, MEETING[MODES[each]][0]) for each in visit_type.modes if each in MODES],
        "team": team,
        "wanted": wanted,
        "choice": choice,
        "address": _address(visit_type, moving),
        "may_book": whose.may_book and visit_type.self_scheduling == SelfScheduling.ON,
        "own_zone": own_zone(request),
    }


def call_us(
    request: HttpRequest, error: AppointmentError, visit: Appointment | None = None
) -> HttpResponse:
    """Say in a sentence why it cannot be done here, and how to reach the clinic."""
    context = {"sentence": why_not(error), "visit": visit}
    status = 409 if request.method == "POST" else 200
    return render(request, "appointments/call_us.html", context, status=status)


def visit_type_or_404(visit_type_id: UUID, reader: Reader) -> VisitType:
    """A visit type whose free times patients may at least look at."""
    types = VisitType.objects.filter(is_active=True).exclude(self_scheduling=SelfScheduling.OFF)
    found = access.of_organization(types, reader).filter(pk=visit_type_id).first()
    if found is None:
        raise Http404
    return found


def team_of(patient: Patient, visit_type: VisitType) -> list[Provider]:
    """Those of the care team who have hours for such visits, by name."""
    of_type = visit_type.availability.values("provider_id")
    team = Provider.objects.filter(pk__in=care_team_of(patient)).filter(pk__in=of_type)
    return list(team.order_by("name"))


def _address(visit_type: VisitType, moving: Appointment | None) -> str:
    """Where these times are looked at, which is not where a time that was taken was pressed."""
    if moving is not None:
        return reverse("appointments:new_time", args=[moving.pk])
    return reverse("appointments:times", args=[visit_type.pk])


def _mode(request: HttpRequest, visit_type: VisitType, moving: Appointment | None) -> str:
    asked = request.GET.get("mode", moving.mode if moving else "")
    return asked if asked in visit_type.modes and asked in MODES else str(visit_type.modes[0])


def _provider(request: HttpRequest, team: list[Provider]) -> Provider | None:
    asked = request.GET.get("with", "")
    return next((each for each in team if str(each.pk) == asked), None)


def _week(request: HttpRequest) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        return None
