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
    """Show who may see the chart. A reader who no longer may gets the notice that says so.

    The notice takes the place of the whole chart, not of this panel alone, and only on a page that
    was this patient's and this session's: for everybody else the address does not exist.
    """
    reader = reader_of(request)
    page = request.page  # type: ignore[attr-defined]
    is_gone = not access.visible_patients(reader).filter(pk=patient_id).exists()
    if is_gone and page.is_refresh_about(patient_id):
        response = render(request, "portal/_chart_closed.html")
        response["HX-Retarget"] = "#main"
        response["HX-Reswap"] = "innerHTML"
        return response
    patient = patient_or_404(request, patient_id, what="care team")
    return render(request, "portal/_team.html", {"patient": patient, **_people(patient, reader)})


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
