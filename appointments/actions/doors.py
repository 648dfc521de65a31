"""Who may act on which visit."""

from uuid import UUID

from appointments import writing
from appointments.errors import AlreadyClaimed
from appointments.models import Appointment, AppointmentQuerySet, Claim
from portal import access
from portal.access import Reader
from portal.models.patient import PatientQuerySet


def team_patients(by: Reader) -> PatientQuerySet:
    """Patients for whom the reader may write as one of their care team, not as family."""
    team = access.care_team_patients(by)
    return access.writable_patients(by).filter(pk__in=team.values("pk"))


def team_visit(appointment_id: UUID, by: Reader, *, taking_time: bool = False) -> Appointment:
    """A visit of a patient of the reader's care teams, locked. Raises Appointment.DoesNotExist.

    `taking_time` when what comes takes the visit's time anew, or frees it: those locks come first.
    """
    visits = access.narrow(
        Appointment.objects.all(),
        organization_id=by.organization_id,
        patient__in=team_patients(by).values("pk"),
    )
    if taking_time:
        known = visits.get(pk=appointment_id)
        writing.lock(known.provider_id, known.room_id, known.patient_id)
    return _locked(visits, appointment_id)


def leave_to_colleague(visit: Appointment, by: Reader) -> None:
    """Raise AlreadyClaimed while somebody else is on this visit: they are calling the patient.

    Whoever claims locks the visit first, as the caller has.
    """
    claim = Claim.objects.live().filter(appointment=visit).select_related("by").first()
    if claim is not None and claim.by_id != by.user_id:
        raise AlreadyClaimed(claim.by_id, claim.by.name)


def writable_visit(appointment_id: UUID, by: Reader) -> Appointment:
    """A visit of a patient for whom the reader may write, locked; or Appointment.DoesNotExist."""
    return _locked(access.of_writable_patients(Appointment.objects.all(), by), appointment_id)


def _locked(visits: AppointmentQuerySet, appointment_id: UUID) -> Appointment:
    return (
        visits.select_for_update(of=["self"])
        .select_related("patient", "provider", "visit_type")
        .get(pk=appointment_id)
    )
