"""One visit, for its patient's care team: its page, and what is said or done about it.

Each act is a noun that is posted. Forms stand on the visit's page; the day's list has the commonest
of them as buttons (`from=day`), and is told to look again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appointments import actions
from appointments.actions.doors import team_patients
from appointments.errors import AppointmentError, SlotTaken
from appointments.forms.staff_visit import CancellationForm, LatenessForm, MoveForm, VisitForm
from appointments.models import Appointment, Change, Claim, Room, Status
from appointments.views.day import day_of, providers_of
from portal import access
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of
from portal.models import Organization, Provider, Role


@dataclass(frozen=True)
class Said:
    """What the page says about what was just tried."""

    words: str
    was_done: bool = True


@require_safe
@for_roles(*CLINICAL)
def visit(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Show a visit beside its day; as a fragment, the visit alone."""
    return _show(request, _visit_or_404(request, appointment_id))


@require_POST
@for_roles(*CLINICAL)
def arrival(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The patient is here."""
    found = _visit_or_404(request, appointment_id)

    def arrive() -> str:
        actions.record_arrival(found.pk, by=reader_of(request))
        return "The patient is here."

    return _acted(request, found, arrive)


@require_POST
@for_roles(*CLINICAL)
def completion(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The visit took place."""
    found = _visit_or_404(request, appointment_id)

    def end() -> str:
        actions.record_done(found.pk, by=reader_of(request))
        return "The visit is done."

    return _acted(request, found, end)


@require_POST
@for_roles(*CLINICAL)
def absence(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The patient did not come; not while a colleague is on it."""
    found = _visit_or_404(request, appointment_id)

    def miss() -> str:
        actions.record_no_show(found.pk, by=reader_of(request))
        return "The patient did not come. The rest of the time is free."

    return _acted(request, found, miss)


@require_POST
@for_roles(*CLINICAL)
def reopening(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Take back what was said of a visit."""
    found = _visit_or_404(request, appointment_id)

    def reopen() -> str:
        actions.reopen_visit(found.pk, by=reader_of(request))
        return "It is booked again."

    return _acted(request, found, reopen)


@require_POST
@for_roles(*CLINICAL)
def lateness(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Say how late a visit will begin; the patient is told."""
    found = _visit_or_404(request, appointment_id)
    form = LatenessForm(request.POST)

    def say() -> str:
        minutes = form.cleaned_data["minutes"]
        actions.say_late(found.pk, minutes=minutes, by=reader_of(request))
        return "The patient is being told." if minutes else "It begins on time."

    return _acted(request, found, say, form)


@require_POST
@for_roles(*CLINICAL)
def move(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Move a visit; the old time is kept until the new one is sure."""
    found = _visit_or_404(request, appointment_id)
    form = _move_form(request, found, request.POST)

    def go() -> str:
        values = form.cleaned_data
        moved = actions.move_visit(
            found.pk,
            by=reader_of(request),
            starts_at=form.starts_at,
            provider_id=form.slot_provider or _key(values.get("provider")),
            room_id=_key(values["room"]) if form.says("room") else "same",
            reason=values["reason"],
            overbook_reason=values.get("overbook_reason", ""),
        )
        return f"It is now on {timezone.localtime(moved.starts_at):%a %-d %b, %H:%M}."

    return _acted(request, found, go, form)


@require_POST
@for_roles(*CLINICAL)
def cancellation(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Call a visit off."""
    found = _visit_or_404(request, appointment_id)
    form = CancellationForm(request.POST)

    def call_off() -> str:
        actions.cancel_visit(found.pk, by=reader_of(request), reason=form.cleaned_data["reason"])
        return "It is called off, and the patient is being told."

    return _acted(request, found, call_off, form)


@require_POST
@for_roles(*CLINICAL)
def claim(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Say "I am on this", for ten minutes; with `let_go`, that one no longer is."""
    found = _visit_or_404(request, appointment_id)

    def take() -> str:
        if request.POST.get("let_go"):
            actions.let_go(found.pk, by=reader_of(request))
            return "You have let it go."
        actions.claim_visit(found.pk, by=reader_of(request))
        return "You are on this. Your colleagues see it."

    return _acted(request, found, take)


def _acted(
    request: HttpRequest,
    found: Appointment,
    act: Callable[[], str],
    form: VisitForm | None = None,
) -> HttpResponse:
    """Do it, or say why not; then show the visit, or have the day's list look again."""
    if form is not None and not form.is_valid():
        return _show(request, found, refused=form)
    try:
        said = Said(act())
    except Appointment.DoesNotExist:
        raise Http404 from None
    except SlotTaken as error:
        if form is None:
            said = Said(str(error), was_done=False)
        else:
            form.add_error(None, _with_next(error))
            return _show(request, found, refused=form, taken=error)
    except AppointmentError as error:
        said = Said(str(error), was_done=False)
    return _answer(request, found, said)


def _answer(request: HttpRequest, found: Appointment, said: Said) -> HttpResponse:
    is_list = request.POST.get("from") == "day"
    if not request.headers.get("HX-Request"):
        (messages.success if said.was_done else messages.warning)(request, said.words)
        if is_list:
            on = timezone.localtime(found.starts_at).date()
            return redirect(f"{reverse('appointments:day')}?on={on}#visit-{found.pk}")
        return redirect("appointments:staff_visit", found.pk)
    # A header, which proxies may log: nobody's name is in it.
    level = "success" if said.was_done else "warning"
    news: dict[str, Any] = {"toast": {"text": said.words, "level": level}}
    if is_list:
        answer = HttpResponse(status=204)
        news["news"] = {}
    else:
        answer = _show(request, _visit_or_404(request, found.pk))
    answer["HX-Trigger"] = json.dumps(news)
    return answer


def _show(
    request: HttpRequest,
    found: Appointment,
    *,
    refused: VisitForm | None = None,
    taken: SlotTaken | None = None,
) -> HttpResponse:
    context = _item(request, found, refused) | {"taken": taken}
    status = 422 if refused is not None else 200
    if request.headers.get("HX-Request"):
        return render(request, "appointments/staff/_visit.html", context, status=status)
    context |= day_of(request, on=timezone.localtime(found.starts_at).date())
    return render(request, "appointments/staff/visit.html", context, status=status)


def _item(request: HttpRequest, found: Appointment, refused: VisitForm | None) -> dict[str, Any]:
    reader, now = reader_of(request), timezone.now()
    claim = Claim.objects.live().filter(appointment=found).select_related("by").first()
    is_mine = claim is not None and claim.by_id == reader.user_id
    forms_of_visit: dict[str, VisitForm] = {
        "lateness": LatenessForm(initial={"minutes": found.late_minutes or None}),
        "move": _move_form(request, found),
        "cancellation": CancellationForm(),
    }
    if refused is not None:
        forms_of_visit[refused.prefixed] = refused
    return {
        "visit": found,
        "claim": claim,
        "is_mine": is_mine,
        "is_left": claim is not None and not is_mine,
        "may_write": team_patients(reader).filter(pk=found.patient_id).exists(),
        "is_due": timezone.localdate(found.starts_at) <= timezone.localdate(now),
        "has_begun": found.starts_at <= now,
        "can_change": found.status in (Status.BOOKED, Status.ARRIVED),
        "forms": forms_of_visit,
        "refused": refused.prefixed if refused is not None else "",
        "answers": _answers(found),
        "history": Change.objects.filter(appointment=found).select_related("by"),
        # What somebody is typing stays through a refresh, and goes once it was sent.
        "keeps": request.method != "POST",
        "now": now,
        "current": found.pk,
    }


def _move_form(request: HttpRequest, found: Appointment, data: Any = None) -> MoveForm:
    reader = reader_of(request)
    return MoveForm(
        data,
        visit=found,
        zone=Organization.objects.get(pk=reader.organization_id).zone,
        providers=Provider.objects.filter(pk__in=[each.pk for each in providers_of(request)]),
        rooms=access.of_organization(
            Room.objects.filter(Q(is_active=True) | Q(pk=found.room_id)), reader
        ),
        may_overbook=reader.role == Role.CLINICIAN,
    )


def _with_next(error: SlotTaken) -> forms.ValidationError:
    next_step = "These are free:" if error.next_times else "Please choose another time."
    return forms.ValidationError(f"{error} {next_step}")


def _answers(found: Appointment) -> list[tuple[str, str]]:
    """What the patient answered beforehand; a question that is no longer asked goes by its key."""
    asked = found.visit_type.questions if found.visit_type else []
    texts = {question["key"]: question["text"] for question in asked}
    return [(texts.get(key, key), answer) for key, answer in found.answers.items() if answer]


def _key(row: Any) -> UUID | None:
    return row.pk if row is not None else None


def _visit_or_404(request: HttpRequest, appointment_id: UUID) -> Appointment:
    visits = access.of_visible_patients(Appointment.objects.all(), reader_of(request))
    found: Appointment | None = (
        visits.select_related("patient", "provider", "room", "visit_type", "cancelled_by")
        .filter(pk=appointment_id)
        .first()
    )
    if found is None:
        raise Http404
    patient_or_404(request, found.patient_id, what="visit")
    return found
