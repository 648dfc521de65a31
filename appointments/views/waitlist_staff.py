"""Who of the reader's patients waits for an earlier time, and what they were offered."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from appointments import actions
from appointments.actions.doors import team_patients
from appointments.errors import AppointmentError
from appointments.forms.staff_days import WaitingForm
from appointments.models import Offer, SelfScheduling, VisitType, WaitlistEntry
from portal import access
from portal.doors import CLINICAL, for_roles, note_glance, reader_of

USUALLY = timedelta(days=28)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*CLINICAL)
def waiting(request: HttpRequest) -> HttpResponse:
    """The waiting list with its offers, and putting somebody on it; as a fragment, the list."""
    reader = reader_of(request)
    today = timezone.localdate()
    form = WaitingForm(
        request.POST or None,
        patients=team_patients(reader).living().order_by("name"),
        visit_types=access.of_organization(
            VisitType.objects.filter(is_active=True, self_scheduling=SelfScheduling.ON), reader
        ),
        initial={"from_on": today, "until_on": today + USUALLY},
    )
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.join_waitlist(
                values["visit_type"].pk,
                patient_id=values["patient"].pk,
                by=reader,
                from_on=values["from_on"],
                until_on=values["until_on"],
                day_part=values["day_part"],
            )
        except AppointmentError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "They are on the waiting list.")
            return redirect("appointments:staff_waiting")
    context = _list(request) | {"form": form}
    if request.headers.get("HX-Request"):
        return render(request, "appointments/staff/_waiting.html", context)
    status = 422 if form.errors else 200
    return render(request, "appointments/staff/waiting.html", context, status=status)


@require_POST
@for_roles(*CLINICAL)
def leaving(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Take somebody off the waiting list."""
    reader = reader_of(request)
    own = _entries(request).filter(patient_id__in=team_patients(reader).values("pk"))
    if not own.filter(pk=entry_id).exists():
        raise Http404
    actions.leave_waitlist(entry_id, by=reader)
    messages.success(request, "They no longer wait.")
    return redirect("appointments:staff_waiting")


def _entries(request: HttpRequest) -> Any:
    return access.of_visible_patients(WaitlistEntry.objects.all(), reader_of(request))


def _list(request: HttpRequest) -> dict[str, Any]:
    offers = Prefetch("offers", Offer.objects.select_related("provider"))
    entries = list(
        _entries(request)
        .filter(ended_at=None)
        .select_related("patient", "visit_type", "provider", "appointment")
        .prefetch_related(offers)
    )
    if entries:
        patients = {entry.patient_id for entry in entries}
        note_glance(request, what="waiting list", patients=len(patients))
    expiries = [o.expires_at for e in entries for o in e.offers.all() if o.is_open]
    return {"entries": entries, "now": timezone.now(), "changes_at": min(expiries, default=None)}
