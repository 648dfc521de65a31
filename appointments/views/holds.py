"""Booking, second half: a time is kept for five minutes, and then it is booked."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from appointments.actions import book_held, hold_time, release_hold
from appointments.choice_of_times import named_times
from appointments.errors import AppointmentError, HoldEnded, SlotTaken
from appointments.forms import ChosenTimeForm, QuestionsForm
from appointments.models import Appointment, Hold, VisitType
from appointments.views.booking import call_us, choosing, visit_type_or_404
from appointments.views.whose import own_zone, whose_or_none
from appointments.wording import MEETING, why_not
from portal import access
from portal.doors import PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Patient


@require_POST
@for_roles(*PATIENTS)
def new(request: HttpRequest) -> HttpResponse:
    """Keep the time that was pressed; if somebody was quicker, say so and what is free near it."""
    form = ChosenTimeForm(request.POST)
    if not form.is_valid():
        return redirect("appointments:new")
    starts_at, provider_id = form.cleaned_data["time"]
    try:
        hold = hold_time(
            form.cleaned_data["visit_type"],
            patient_id=form.cleaned_data["patient"],
            provider_id=provider_id,
            starts_at=starts_at,
            mode=form.cleaned_data["mode"],
            moves_id=form.cleaned_data["moves"],
            by=reader_of(request),
        )
    except (Patient.DoesNotExist, VisitType.DoesNotExist, Appointment.DoesNotExist):
        raise Http404 from None
    except SlotTaken as error:
        return _taken(
            request,
            error,
            patient_id=form.cleaned_data["patient"],
            visit_type_id=form.cleaned_data["visit_type"],
            mode=form.cleaned_data["mode"],
            moves_id=form.cleaned_data["moves"],
        )
    except AppointmentError as error:
        return call_us(request, error)
    return redirect("appointments:hold", hold.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def hold(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """Show the time that is kept, how long, and what is asked before it; on POST, book it."""
    kept = _hold_or_404(request, hold_id)
    if kept.fate == Hold.Fate.BOOKED and kept.appointment_id:
        return _booked(kept, kept.appointment_id)
    if request.headers.get("HX-Request"):
        return render(request, "appointments/_hold_state.html", _kept(kept))
    form = QuestionsForm(
        kept.visit_type,
        request.POST if request.method == "POST" else None,
        answers=kept.moves.answers if kept.moves else {},
    )
    if request.method == "POST" and form.is_valid():
        try:
            visit = book_held(kept.pk, by=reader_of(request), answers=form.answers)
        except Hold.DoesNotExist:
            raise Http404 from None
        except HoldEnded as error:
            return _page(request, kept, form, status=409, sentence=why_not(error))
        except SlotTaken as error:
            return _taken(
                request,
                error,
                patient_id=kept.patient_id,
                visit_type_id=kept.visit_type_id,
                mode=kept.mode,
                moves_id=kept.moves_id,
            )
        except AppointmentError as error:
            return call_us(request, error)
        return _booked(kept, visit.pk)
    return _page(request, kept, form, status=422 if request.method == "POST" else 200)


@require_POST
@for_roles(*PATIENTS)
def release(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """Give the time back and choose again."""
    try:
        given_back = release_hold(hold_id, by=reader_of(request))
    except Hold.DoesNotExist:
        raise Http404 from None
    if given_back.moves_id:
        return redirect("appointments:new_time", given_back.moves_id)
    times = reverse("appointments:times", args=[given_back.visit_type_id])
    return redirect(f"{times}?patient={given_back.patient_id}&mode={given_back.mode}")


def _hold_or_404(request: HttpRequest, hold_id: UUID) -> Hold:
    holds = access.of_writable_patients(Hold.objects.all(), reader_of(request))
    related = ("patient", "provider", "visit_type", "room", "moves")
    found = holds.select_related(*related).filter(pk=hold_id).first()
    if found is None:
        raise Http404
    patient_or_404(request, found.patient_id, what="visits")
    return found


def _page(
    request: HttpRequest, kept: Hold, form: QuestionsForm, *, status: int, sentence: str = ""
) -> HttpResponse:
    whose = whose_or_none(request, asked=kept.patient_id)
    context = _kept(kept) | {
        "whose": whose,
        "form": form,
        "meeting": MEETING[kept.mode],  # type: ignore[index]
        "sentence": sentence,
        "own_zone": own_zone(request),
    }
    return render(request, "appointments/hold.html", context, status=status)


def _kept(kept: Hold) -> dict[str, Any]:
    return {"hold": kept, "patient": kept.patient, "now": timezone.now()}


def _booked(kept: Hold, visit_id: UUID) -> HttpResponse:
    said = "moved" if kept.moves_id else "booked"
    return redirect(reverse("appointments:visit", args=[visit_id]) + f"?said={said}")


def _taken(
    request: HttpRequest,
    error: SlotTaken,
    *,
    patient_id: UUID,
    visit_type_id: UUID,
    mode: str,
    moves_id: UUID | None,
) -> HttpResponse:
    """The page of times, beginning with why not that one and which are near it."""
    reader = reader_of(request)
    whose = whose_or_none(request, asked=patient_id)
    if whose is None:
        raise Http404
    visits = access.of_visible_patients(Appointment.objects.all(), reader)
    moving = visits.select_related("provider").filter(pk=moves_id).first() if moves_id else None
    visit_type = visit_type_or_404(visit_type_id, reader)
    context = choosing(request, whose, visit_type, moving=moving, mode=mode) | {
        "sentence": why_not(error),
        "near": named_times(error.next_times),
    }
    return render(request, "appointments/times.html", context, status=409)
