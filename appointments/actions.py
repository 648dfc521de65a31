"""Setting time aside, and calling it off. Finding free time comes with self-scheduling."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.errors import EndsBeforeItStarts, PatientIsDeceased
from appointments.models import Appointment, Mode, Status
from notifications.actions import notify
from notifications.models import Kind
from portal import access, audit
from portal.access import Reader
from portal.models import Caregiver, Patient, Provider
from portal.models.patient import PatientQuerySet


@transaction.atomic
def book_visit(
    patient_id: UUID,
    *,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    by: Reader,
    mode: Mode = Mode.IN_PERSON,
    place: str = "",
    provider_id: UUID | None = None,
) -> Appointment:
    """Book a visit for a patient of the reader's care teams and tell the patient's side.

    Raises Patient.DoesNotExist when the reader may not write for the patient, Provider.DoesNotExist
    for one of another clinic, EndsBeforeItStarts, and PatientIsDeceased.
    """
    patient = _patients(by).get(pk=patient_id)
    if ends_at <= starts_at:
        raise EndsBeforeItStarts
    if patient.is_deceased:
        raise PatientIsDeceased
    if provider_id is not None:
        access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    visit = Appointment.objects.create(
        organization_id=by.organization_id,
        patient=patient,
        provider_id=provider_id,
        kind=kind,
        mode=mode,
        place=place,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    _tell(patient, visit)
    audit.record(
        "appointment.booked", organization_id=by.organization_id, actor_id=by.user_id, subject=visit
    )
    return visit


@transaction.atomic
def cancel_visit(appointment_id: UUID, *, by: Reader) -> Appointment:
    """Call a visit off; calling off twice changes nothing. Raises Appointment.DoesNotExist."""
    visit = (
        access.narrow(Appointment.objects.all(), patient__in=_patients(by).values("pk"))
        .select_for_update(of=["self"])
        .select_related("patient")
        .get(pk=appointment_id)
    )
    if visit.status == Status.CANCELLED:
        return visit
    visit.status = Status.CANCELLED
    visit.save(update_fields=["status"])
    _tell(visit.patient, visit)
    audit.record(
        "appointment.cancelled",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=visit,
    )
    return visit


def _patients(by: Reader) -> PatientQuerySet:
    """Patients for whom the reader may write as one of their care team, not as family."""
    team = access.care_team_patients(by)
    return access.writable_patients(by).filter(pk__in=team.values("pk"))


def _tell(patient: Patient, visit: Appointment) -> None:
    mandates = Caregiver.objects.filter(patient=patient)
    side = {patient.user_id, *mandates.values_list("user_id", flat=True)}
    told = [user_id for user_id in access.entitled_users(patient) if user_id in side]
    notify(told, Kind.VISIT, patient=patient, subject_id=visit.pk)
