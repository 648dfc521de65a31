"""One visit, as its patient and those who help them see it, and what they may do with it."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appointments.actions import (
    answer_questions,
    can_check_in,
    cancel_visit,
    check_in,
    check_movable,
    confirm_visit,
    may_still_cancel,
)
from appointments.actions.changing import USUAL_NOTICE_MINUTES
from appointments.errors import AppointmentError
from appointments.forms import CancelForm, QuestionsForm
from appointments.models import Appointment, Mode, Status
from appointments.views.booking import call_us
from appointments.views.whose import own_zone, whose_or_none
from appointments.wording import MEETING, SAID, span
from portal import access
from portal.doors import PATIENTS, for_roles, patient_or_404, reader_of


@require_safe
@for_roles(*PATIENTS)
def visit(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Show a visit: when, where, how to prepare, and what can be done; `?said=` what was done."""
    found = visit_or_404(request, appointment_id)
    word = request.GET.get("said", "")
    said = {"word": word, "title": SAID[word][0], "text": SAID[word][1]} if word in SAID else None
    context = _shown(request, found) | {"said": said}
    if request.headers.get("HX-Request"):
        return render(request, "appointments/_one.html", context)
    return render(request, "appointments/visit.html", context)


@require_POST
@for_roles(*PATIENTS)
def confirmation(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The patient will come."""
    try:
        confirm_visit(appointment_id, by=reader_of(request))
    except Appointment.DoesNotExist:
        raise Http404 from None
    except AppointmentError as error:
        return call_us(request, error, visit_or_404(request, appointment_id))
    return _back(appointment_id, "confirmed")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def readiness(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Check in from the phone, on the day of the visit; its questions are asked again."""
    return _asking(request, appointment_id, checks_in=True)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def answers(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Answer what is asked before the visit, or change an answer."""
    return _asking(request, appointment_id, checks_in=False)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def cancellation(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Ask why, and call the visit off; inside the notice period, say whom to call."""
    found = _writable_or_404(request, appointment_id)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            cancel_visit(found.pk, reason=form.said, by=reader_of(request))
        except AppointmentError as error:
            return call_us(request, error, found)
        return _back(found.pk, "cancelled")
    context = _shown(request, found) | {"form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "appointments/cancel.html", context, status=status)


def visit_or_404(request: HttpRequest, appointment_id: UUID) -> Appointment:
    """A visit that the reader may see; the reading is put on record."""
    visits = access.of_visible_patients(Appointment.objects.all(), reader_of(request))
    found = visits.select_related("patient", "provider", "visit_type", "room").filter(
        pk=appointment_id
    )
    if not found:
        raise Http404
    patient_or_404(request, found[0].patient_id, what="visits")
    return found[0]


def _asking(request: HttpRequest, appointment_id: UUID, *, checks_in: bool) -> HttpResponse:
    found = _writable_or_404(request, appointment_id)
    form = QuestionsForm(
        found.visit_type,
        request.POST if request.method == "POST" else None,
        answers=found.answers,
    )
    if request.method == "POST" and form.is_valid():
        act = check_in if checks_in else answer_questions
        try:
            act(found.pk, by=reader_of(request), answers=form.answers)
        except AppointmentError as error:
            return call_us(request, error, found)
        return _back(found.pk, "ready" if checks_in else "answered")
    context = _shown(request, found) | {"form": form, "checks_in": checks_in}
    status = 422 if request.method == "POST" else 200
    return render(request, "appointments/questions.html", context, status=status)


def _writable_or_404(request: HttpRequest, appointment_id: UUID) -> Appointment:
    visits = access.of_writable_patients(Appointment.objects.all(), reader_of(request))
    if not visits.filter(pk=appointment_id).exists():
        raise Http404
    return visit_or_404(request, appointment_id)


def _shown(request: HttpRequest, found: Appointment) -> dict[str, Any]:
    whose = whose_or_none(request, asked=found.patient_id)
    may_write = whose is not None and whose.may_book
    is_booked = found.status == Status.BOOKED and not found.is_over
    visit_type = found.visit_type
    questions = [
        (question["text"], found.answers.get(question["key"], ""))
        for question in (visit_type.questions if visit_type else [])
    ]
    return {
        "visit": found,
        "whose": whose,
        "patient": found.patient,
        "meeting": MEETING[Mode(found.mode)],
        "is_booked": is_booked,
        "may_write": may_write,
        "can_check_in": may_write and not found.is_checked_in and can_check_in(found),
        "can_join": may_write and _is_joinable(found),
        "can_confirm": may_write and is_booked and not found.is_confirmed,
        "can_move": may_write and _is_movable(found),
        "can_cancel": (
            may_write and is_booked and not found.is_kept_elsewhere and may_still_cancel(found)
        ),
        "notice": span(visit_type.notice_minutes if visit_type else USUAL_NOTICE_MINUTES),
        "questions": questions,
        "has_answers": any(answer for _, answer in questions),
        "own_zone": own_zone(request),
    }


def _is_movable(found: Appointment) -> bool:
    try:
        check_movable(found, is_staff=False)
    except AppointmentError:
        return False
    return True


def _is_joinable(found: Appointment) -> bool:
    """Whether the call can be joined: from the morning of its day until it is over."""
    stands = found.status in (Status.BOOKED, Status.ARRIVED) and not found.is_over
    return stands and timezone.localdate(found.starts_at) <= timezone.localdate()


def _back(visit_id: UUID, said: str) -> HttpResponse:
    return redirect(reverse("appointments:visit", args=[visit_id]) + f"?said={said}")
