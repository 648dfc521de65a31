"""Prescribing scale 2 of NEWS2 for one patient, and ending it: each action is door, write, record.

A saturation of 90 % is an alarm on scale 1 and the aim on scale 2. So it is a decision that a
clinician takes in their own name, for a reason that stands beside it, from now on and until
somebody ends it; and no switch.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from care.models import OxygenTarget
from portal import audit
from portal.access import Reader, care_team_patients, writable_patients
from portal.models import Role
from portal.models.patient import PatientQuerySet


def prescribable_patients(by: Reader) -> PatientQuerySet:
    """Patients for whom the reader decides this: a clinician on their care team, not a nurse."""
    if by.role != Role.CLINICIAN:
        return writable_patients(by).none()
    return writable_patients(by).filter(pk__in=care_team_patients(by).values("pk"))


@transaction.atomic
def prescribe(patient_id: UUID, *, reason: str, by: Reader) -> OxygenTarget:
    """Make 88-92 % the patient's target from now on.

    Returns the target; the one in force if there is one already. Raises Patient.DoesNotExist when
    `by` may not decide it.
    """
    patient = prescribable_patients(by).get(pk=patient_id)
    in_force = OxygenTarget.objects.filter(patient=patient, ends_at=None).first()
    if in_force:
        return in_force
    target = OxygenTarget.objects.create(
        organization_id=by.organization_id,
        patient=patient,
        reason=reason,
        prescribed_by_id=by.user_id,
    )
    _record("oxygen_target.prescribed", target, by)
    return target


@transaction.atomic
def end(patient_id: UUID, *, by: Reader) -> OxygenTarget | None:
    """End the patient's target; None when there is none. Raises Patient.DoesNotExist as above."""
    patient = prescribable_patients(by).get(pk=patient_id)
    target = (
        OxygenTarget.objects.select_for_update(of=["self"])
        .filter(patient=patient, ends_at=None)
        .first()
    )
    if target is None:
        return None
    target.ends_at, target.ended_by_id = timezone.now(), by.user_id
    target.save(update_fields=["ends_at", "ended_by"])
    _record("oxygen_target.ended", target, by)
    return target


def _record(action: str, target: OxygenTarget, by: Reader) -> None:
    audit.record(action, organization_id=by.organization_id, actor_id=by.user_id, subject=target)
