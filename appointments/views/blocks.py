"""Stretches of time, for nurses and clinicians: booking into one, blocking one, moving a day."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from appointments import actions
from appointments.actions.doors import team_patients
from appointments.errors import AppointmentError, DayDoesNotFit, SlotTaken
from appointments.forms.staff_days import BlockForm, DayMoveForm
from appointments.forms.staff_visit import NewVisitForm
from appointments.free_times import visit_types_for
from appointments.models import Appointment, Mode, Room, TimeBlock, VisitType
from appointments.views.day import asked_day, asked_provider, providers_of
from portal import access
from portal.doors import CLINICAL, for_roles, note_glance, reader_of
from portal.models import Organization, Provider, Role

PAGE = require_http_methods(["GET", "HEAD", "POST"])


@PAGE
@for_roles(*CLINICAL)
def new(request: HttpRequest) -> HttpResponse:
    """Book a visit for one of the reader's patients; a clinician may book over another one."""
    reader = reader_of(request)
    form = NewVisitForm(
        request.POST or None,
        zone=_clinic(request).zone,
        patients=team_patients(reader).living().order_by("name"),
        visit_types=VisitType.objects.filter(pk__in=[each.pk for each in visit_types_for(reader)]),
        providers=_providers(request),
        rooms=_rooms(request),
        may_overbook=reader.role == Role.CLINICIAN,
        initial=_asked(request) | {"at": request.GET.get("at", "")},
    )
    taken: SlotTaken | None = None
    if request.method == "POST" and form.is_valid():
        try:
            visit = _book(request, form)
        except SlotTaken as error:
            taken = error
            after = "These are free:" if error.next_times else "Please choose another time."
            form.add_error(None, ValidationError(f"{error} {after}"))
        except AppointmentError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "It is booked, and the patient is being told.")
            return redirect("appointments:staff_visit", visit.pk)
    context = _head(request) | {"form": form, "taken": taken, "key": _key(request)}
    return _page(request, "appointments/staff/new.html", context, form)


@PAGE
@for_roles(*CLINICAL)
def blocks(request: HttpRequest) -> HttpResponse:
    """Block time of a provider or a room, and see what is blocked from now on."""
    reader = reader_of(request)
    form = BlockForm(
        request.POST or None,
        zone=_clinic(request).zone,
        providers=_providers(request),
        rooms=_rooms(request),
        initial=_asked(request),
    )
    if request.method == "POST" and form.is_valid():
        starts_at, ends_at = form.stretch
        values = form.cleaned_data
        actions.block_time(
            by=reader,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=values["reason"],
            provider_id=values["provider"].pk if values["provider"] else None,
            room_id=values["room"].pk if values["room"] else None,
        )
        messages.success(request, "It is blocked. Visits that were booked there stay: move them.")
        return redirect(f"{reverse('appointments:day')}?on={values['on']:%Y-%m-%d}")
    blocked = access.of_organization(
        TimeBlock.objects.filter(withdrawn_at=None, ends_at__gt=timezone.now()), reader
    ).select_related("provider", "room", "by")
    context = _head(request) | {"form": form, "blocked": blocked}
    return _page(request, "appointments/staff/blocks.html", context, form)


@require_POST
@for_roles(*CLINICAL)
def withdrawal(request: HttpRequest, block_id: UUID) -> HttpResponse:
    """Give blocked time back."""
    try:
        actions.unblock_time(block_id, by=reader_of(request))
    except TimeBlock.DoesNotExist:
        raise Http404 from None
    messages.success(request, "The time is free again.")
    return redirect("appointments:blocks")


@PAGE
@for_roles(*CLINICAL)
def day_move(request: HttpRequest) -> HttpResponse:
    """Move all visits of a provider's day: all of them, or none; everybody concerned is told."""
    reader = reader_of(request)
    form = DayMoveForm(request.POST or None, providers=_providers(request), initial=_asked(request))
    in_the_way: list[Appointment] = []
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            moved = actions.move_day(
                values["provider"].pk,
                on=values["on"],
                to=values["to"],
                by=reader,
                reason=values["reason"],
                minutes_later=values["minutes"],
            )
        except DayDoesNotFit as error:
            form.add_error(None, str(error))
            in_the_way = _known(request, error.visits)
        else:
            visits = "1 visit is" if moved == 1 else f"{moved} visits are"
            messages.success(request, f"{visits} moved, and everybody concerned is being told.")
            return redirect(f"{reverse('appointments:day')}?on={values['to']:%Y-%m-%d}")
    context = _head(request) | {"form": form, "in_the_way": in_the_way}
    return _page(request, "appointments/staff/day_move.html", context, form)


def _book(request: HttpRequest, form: NewVisitForm) -> Appointment:
    values = form.cleaned_data
    assert form.starts_at is not None
    room = values["room"]
    return actions.book_visit(
        values["patient"].pk,
        starts_at=form.starts_at,
        by=reader_of(request),
        mode=Mode(values["mode"] or Mode.IN_PERSON),
        provider_id=form.slot_provider or values["provider"].pk,
        visit_type_id=values["visit_type"].pk,
        room_id=room.pk if room else None,
        overbook_reason=values.get("overbook_reason", ""),
        key=_key(request),
    )


def _key(request: HttpRequest) -> UUID:
    """What makes a form sent twice one visit."""
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


def _known(request: HttpRequest, visit_ids: Any) -> list[Appointment]:
    """Those visits of which the reader may know."""
    visits = access.of_visible_patients(
        Appointment.objects.filter(pk__in=visit_ids), reader_of(request)
    )
    found = list(visits.select_related("patient"))
    if found:
        note_glance(request, what="schedule", patients=len({each.patient_id for each in found}))
    return found


def _asked(request: HttpRequest) -> dict[str, Any]:
    provider = asked_provider(request) or next(iter(providers_of(request)), None)
    on = asked_day(request, timezone.localdate(timezone=_clinic(request).zone))
    return {"provider": provider.pk if provider else None, "on": on}


def _head(request: HttpRequest) -> dict[str, Any]:
    return {"zone": _clinic(request).zone.key, "now": timezone.now()}


def _page(request: HttpRequest, template: str, context: dict[str, Any], form: Any) -> HttpResponse:
    return render(request, template, context, status=422 if form.errors else 200)


def _clinic(request: HttpRequest) -> Organization:
    return Organization.objects.get(pk=reader_of(request).organization_id)


def _providers(request: HttpRequest) -> QuerySet[Provider]:
    return access.of_organization(Provider.objects.all(), reader_of(request))


def _rooms(request: HttpRequest) -> QuerySet[Room]:
    return access.of_organization(Room.objects.filter(is_active=True), reader_of(request))
