"""A patient's home: what should I do now?"""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import access
from portal.doors import PATIENTS, for_roles, note_reading, reader_of
from portal.models import Patient


@require_safe
@for_roles(*PATIENTS)
def home(request: HttpRequest) -> HttpResponse:
    """Show the frame of cards; each app fills in its own (`?patient=` for a caregiver of several).

    The patients' own record comes first: a caregiver may be a patient too.
    """
    reader = reader_of(request)
    patients = sorted(
        access.visible_patients(reader),
        key=lambda patient: (patient.user_id != reader.user_id, patient.name),
    )
    patient = _chosen(request, patients)
    if patient is not None:
        note_reading(request, patient, what="home")
    context = {
        "patient": patient,
        "patients": patients,
        # What each card is asked with.
        "patient_query": f"?patient={patient.pk}" if patient else "",
        "is_own": patient is not None and patient.user_id == reader.user_id,
    }
    return render(request, "portal/home.html", context)


def _chosen(request: HttpRequest, patients: list[Patient]) -> Patient | None:
    asked = request.GET.get("patient")
    if asked is None:
        return patients[0] if patients else None
    try:
        patient_id = UUID(asked)
    except ValueError:
        raise Http404 from None
    for patient in patients:
        if patient.pk == patient_id:
            return patient
    raise Http404
