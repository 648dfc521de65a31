"""Waiting for an earlier time: joining a list, leaving it, answering an offer."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from appointments.actions import accept_offer, decline_offer, join_waitlist, leave_waitlist
from appointments.errors import AppointmentError, OfferIsOver
from appointments.forms import WaitForm
from appointments.models import Appointment, Mode, Offer, VisitType, WaitlistEntry
from appointments.views.booking import call_us, visit_type_or_404
from appointments.views.my_visits import visit_or_404
from appointments.views.whose import own_zone, whose_or_none
from appointments.wording import MEETING, why_not
from portal import access
from portal.doors import PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def join(request: HttpRequest, visit_type_id: UUID) -> HttpResponse:
    """Ask on which days a time would suit; a visit that would move is `visit`."""
    visit_type = visit_type_or_404(visit_type_id, reader_of(request))
    moving = _moving(request)
    asked = moving.patient_id if moving else request.POST.get("patient")
    whose = whose_or_none(request, asked=asked)
    if whose is None or not whose.may_book:
        return redirect("appointments:new")
    form = WaitForm(
        request.POST if request.method == "POST" else None,
        initial=_usual_days(visit_type, moving),
    )
    if request.method == "POST" and form.is_valid():
        try:
            join_waitlist(
                visit_type.pk,
                patient_id=whose.patient.pk,
                appointment_id=moving.pk if moving else None,
                from_on=form.cleaned_data["from_on"],
                until_on=form.cleaned_data["until_on"],
                day_part=form.cleaned_data["day_part"],
                by=reader_of(request),
            )
        except (Patient.DoesNotExist, Appointment.DoesNotExist):
            raise Http404 from None
        except AppointmentError as error:
            return call_us(request, error, moving)
        return redirect(reverse("appointments:index") + "#waiting")
    context = {
        "form": form,
        "whose": whose,
        "patient": whose.patient,
        "visit_type": visit_type,
        "moving": moving,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "appointments/wait.html", context, status=status)


@require_POST
@for_roles(*PATIENTS)
def leave(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Wait no longer."""
    try:
        leave_waitlist(entry_id, by=reader_of(request))
    except WaitlistEntry.DoesNotExist:
        raise Http404 from None
    return redirect("appointments:index")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def offer(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """Show a time that became free; on POST take it (`answer=accept`) or say no."""
    found = _offer_or_404(request, offer_id)
    if request.method != "POST":
        return _page(request, found)
    if request.POST.get("answer") == "decline":
        try:
            decline_offer(found.pk, by=reader_of(request))
        except Offer.DoesNotExist:
            raise Http404 from None
        return redirect("appointments:index")
    if request.POST.get("answer") != "accept":
        return _page(request, found, status=422)
    try:
        visit = accept_offer(found.pk, by=reader_of(request))
    except (Offer.DoesNotExist, Appointment.DoesNotExist):
        raise Http404 from None
    except OfferIsOver as error:
        return _page(request, found, status=409, sentence=why_not(error))
    except AppointmentError as error:
        return call_us(request, error)
    said = "booked" if visit.pk == found.pk else "moved"
    return redirect(reverse("appointments:visit", args=[visit.pk]) + f"?said={said}")


def _offer_or_404(request: HttpRequest, offer_id: UUID) -> Offer:
    offers = access.of_visible_patients(Offer.objects.all(), reader_of(request))
    related = ("patient", "provider", "visit_type", "room", "entry__appointment")
    found = offers.select_related(*related).filter(pk=offer_id).first()
    if found is None:
        raise Http404
    patient_or_404(request, found.patient_id, what="visits")
    if request.method == "POST":
        writable = access.of_writable_patients(Offer.objects.all(), reader_of(request))
        if not writable.filter(pk=found.pk).exists():
            raise Http404
    return found


def _page(
    request: HttpRequest, found: Offer, *, status: int = 200, sentence: str = ""
) -> HttpResponse:
    if not sentence and not found.is_open:
        answer = found.answer or Offer.Answer.EXPIRED
        sentence = why_not(OfferIsOver(answer))
    context = {
        "offer": found,
        "whose": whose_or_none(request, asked=found.patient_id),
        "patient": found.patient,
        "meeting": MEETING[Mode(found.mode)],
        "sentence": sentence,
        "own_zone": own_zone(request),
        "now": timezone.now(),
    }
    is_part = bool(request.headers.get("HX-Request"))
    name = "appointments/_offer.html" if is_part else "appointments/offer.html"
    return render(request, name, context, status=status)


def _moving(request: HttpRequest) -> Appointment | None:
    """The visit that an earlier time is wanted for."""
    asked = request.POST.get("visit") or request.GET.get("visit")
    if not asked:
        return None
    try:
        return visit_or_404(request, UUID(asked))
    except ValueError:
        raise Http404 from None


def _usual_days(visit_type: VisitType, moving: Appointment | None) -> dict[str, Any]:
    """From now on, until the visit that is to be earlier or as far as one can book."""
    today = timezone.localdate()
    last = today + timedelta(days=visit_type.horizon_days)
    if moving is not None:
        last = max(today, timezone.localdate(moving.starts_at) - timedelta(days=1))
    return {"from_on": today.isoformat(), "until_on": last.isoformat(), "day_part": ""}
