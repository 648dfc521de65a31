"""What a request asks for."""

from uuid import UUID

from django.http import Http404, HttpRequest, QueryDict

from portal import access
from portal.doors import note_reading, patient_or_404, reader_of
from portal.models import Patient


def identifier(asked: QueryDict, name: str) -> UUID | None:
    """The identifier a request names, None without one; what is none answers 404."""
    value = asked.get(name)
    if not value:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None


def chosen_patient(request: HttpRequest, *, what: str) -> Patient | None:
    """The patient of `?patient=`; without it the reader's own record, or the first they may see."""
    if asked := identifier(request.GET, "patient"):
        return patient_or_404(request, asked, what=what)
    reader = reader_of(request)
    patients = access.visible_patients(reader)
    patient = patients.filter(user_id=reader.user_id).first() or patients.order_by("name").first()
    if patient is not None:
        note_reading(request, patient, what=what)
    return patient
