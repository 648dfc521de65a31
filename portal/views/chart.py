"""A patient's chart: the frame. Each app owns its panel and its address."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import access
from portal.access import Reader
from portal.actions.invitations import invitable_patients
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of
from portal.models import Caregiver, CareTeamMembership, Invitation, Patient


@require_safe
@for_roles(*CLINICAL)
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show who this is and a place for each panel."""
    patient = patient_or_404(request, patient_id, what="chart")
    context = {"patient": patient, **_people(patient, reader_of(request))}
    return render(request, "portal/chart.html", context)


@require_safe
@for_roles(*CLINICAL)
def team(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show who may see the chart.

    The chart asks again whenever the team changes: a reader who was taken off it gets the 404 on
    which the page takes the whole chart away and says so (static/js/page-refresh.js).
    """
    patient = patient_or_404(request, patient_id, what="care team")
    context = {"patient": patient, **_people(patient, reader_of(request))}
    return render(request, "portal/_team.html", context)


def _people(patient: Patient, reader: Reader) -> dict[str, Any]:
    """Everybody who may see the patient's record now, and whether the patient may sign in."""
    places = access.of_visible_patients(CareTeamMembership.objects.active(), reader)
    mandates = access.of_visible_patients(Caregiver.objects.active(), reader)
    may_invite = invitable_patients(reader).filter(pk=patient.pk).exists()
    return {
        "places": places.filter(patient=patient)
        .select_related("provider")
        .order_by("provider__name"),
        "caregivers": mandates.filter(patient=patient)
        .select_related("user")
        .order_by("user__name"),
        "may_invite": may_invite,
        "open_invitation": (
            Invitation.objects.open().filter(patient=patient).first() if may_invite else None
        ),
        "reader_id": reader.user_id,
    }
