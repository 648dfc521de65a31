"""Whose record a page of patients and caregivers is about."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest

from portal.access import visible_patients
from portal.doors import patient_or_404, reader_of
from portal.models import Patient


@dataclass(frozen=True)
class Subject:
    """The patient a page is about, and everybody the reader may choose."""

    patient: Patient
    choices: list[Patient]
    is_own: bool

    @property
    def first_name(self) -> str:
        return self.patient.name.split()[0]


def subject_or_none(request: HttpRequest, *, what: str) -> Subject | None:
    """The patient of `?patient=`, else the reader's own record, else the first they care for.

    None when nobody is linked to the reader yet; 404 for a patient they may not see.
    """
    reader = reader_of(request)
    choices = sorted(
        visible_patients(reader),
        key=lambda patient: (patient.user_id != reader.user_id, patient.name),
    )
    asked = request.GET.get("patient")
    if asked is None and not choices:
        return None
    try:
        chosen = UUID(asked) if asked is not None else choices[0].pk
    except ValueError:
        raise Http404 from None
    patient = patient_or_404(request, chosen, what=what)
    return Subject(patient, choices, patient.user_id == reader.user_id)
